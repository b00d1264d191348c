from __future__ import annotations

from pathlib import Path

import pytest

from localaws.command_line import main
from localaws.home import Home
from localaws.mailbox import Invitation, deliver, invite, letters

_LONG = "digits completed: accuracy 0.9831, which is 0.0057 more than the accuracy of 0.9774 that it had before"


def _home(root: Path) -> Home:
    home = Home(root)
    home.prepare()
    invite(home.mail, Invitation("ann@example.com", "arn:aws:sns:us-east-1:000000000000:news", "token"), "http://here")
    deliver(home.mail, "ann@example.com", "Trained", "It went well.\nGrüße " + "ü" * 300)
    deliver(home.mail, "bob@example.com", _LONG, "It went better.")
    return home


def test_mail_is_printed_decoded_and_oldest_first_without_invitations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = _home(tmp_path)
    assert main(["mail", "--home", str(home.root)]) == 0
    first, second = capsys.readouterr().out.split("-" * 72 + "\n")
    headers, _, body = first.partition("\n\n")
    assert headers.splitlines()[:3] == [
        "From:    AWS Notifications <no-reply@sns.amazonaws.com>",
        "To:      ann@example.com",
        "Subject: Trained",
    ]
    assert body == "It went well.\nGrüße " + "ü" * 300 + "\n"
    assert f"\nSubject: {_LONG}\n" in second


def test_mail_is_printed_of_one_address_or_the_newest_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = _home(tmp_path)
    main(["mail", "ann@example.com", "--home", str(home.root)])
    assert "bob@example.com" not in capsys.readouterr().out
    main(["mail", "--last", "1", "--home", str(home.root)])
    assert "ann@example.com" not in capsys.readouterr().out
    main(["mail", "eve@example.com", "--home", str(home.root)])
    assert capsys.readouterr() == ("", "No mail has arrived.\n")


def test_invitations_are_among_the_letters_when_asked_for(tmp_path: Path) -> None:
    first, *rest = letters(_home(tmp_path).mail, with_invitations=True)
    assert "Subscription Confirmation (news)" in first
    assert len(rest) == 2
