#!/bin/sh
# Compile every requirements/*.in to exact pins with hashes, for all platforms at once. Run by `make lock`.
set -eu
cd "$(dirname "$0")/.."

compile() {
    .tools/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$@"
}

compile requirements/dev.in --output-file requirements.txt
# What goes into a bundle is what the tests ran with.
for part in lambda validator; do
    compile "requirements/$part.in" --constraints requirements.txt --output-file "requirements/$part.txt"
done
for part in localaws codebuild node uv; do
    compile "requirements/$part.in" --output-file "requirements/$part.txt"
done
