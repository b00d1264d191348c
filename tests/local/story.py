"""One project's story, from its first push to its third run: told once a session, asked about by many tests."""

from __future__ import annotations

from dataclasses import dataclass

from dropforge.domain.run import Run
from tests.local.sharing import Document, SharedByWorkers
from tests.local.trial import POINTS, Trial

PROJECT = "reuse"
KEY = "reuse/training/points.csv"
CHANGED = POINTS + b"4,9\n"


@dataclass(frozen=True)
class Story:
    """Each chapter happens when it is first asked for, after those before it."""

    trial: Trial
    shared: SharedByWorkers

    def pushed(self) -> Document:
        """A push, no data yet: the commit, and what `dropforge projects` then says."""

        def tell() -> Document:
            commit = self.trial.clone(PROJECT).push("Fit a line")
            self.trial.image_of(PROJECT, commit)
            [standing] = [
                each
                for each in self.trial.dropforge("projects", "--json").document
                if each["project"]["name"] == PROJECT
            ]
            runs = self.trial.dropforge("runs", PROJECT, "--json").document
            return {"commit": commit, "standing": standing, "runs": runs}

        return self.shared.once("story-pushed", tell)

    def first_run(self) -> Run:
        """Data is dropped, and trained on."""

        def tell() -> Document:
            self.pushed()
            version = self.trial.put(KEY, POINTS)
            return {"run": self.trial.completed(self.trial.new_run(PROJECT).id).id, "version": version}

        return self.trial.run(self.shared.once("story-first", tell)["run"])

    def other_data(self) -> Run:
        """Another file under the same key."""

        def tell() -> Document:
            first = self.first_run()
            version = self.trial.put(KEY, CHANGED)
            run = self.trial.new_run(PROJECT, first.id)
            return {"run": self.trial.completed(run.id).id, "version": version}

        return self.trial.run(self.shared.once("story-data", tell)["run"])

    def other_code(self) -> Run:
        """Another hyperparameter."""

        def tell() -> Document:
            known = [self.first_run().id, self.other_data().id]
            copy = self.trial.opened(PROJECT)
            copy.change("dropforge.yaml", "epochs: 200", "epochs: 300")
            commit = copy.push("Take longer")
            run = self.trial.new_run(PROJECT, *known, seconds=self.trial.patience.build)
            return {"run": self.trial.completed(run.id).id, "commit": commit}

        return self.trial.run(self.shared.once("story-code", tell)["run"])

    def told(self, chapter: str) -> Document:
        """What was noted when a chapter happened."""
        return self.shared.once(f"story-{chapter}", dict)
