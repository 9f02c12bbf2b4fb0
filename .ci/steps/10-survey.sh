#!/usr/bin/env bash
# The README's main job, word for word, in a copy of the sources and an environment with the survey's extra alone.
source "$(dirname "$0")/../common.sh"

command=$(grep -om1 "^pip install '\.\[survey\]' && facetry survey[^#]*" README.md) ||
  fail "the README's main job has changed"
tree=$CI_WORK/survey
rm -rf "$tree"
copy_sources "$tree"
cd "$tree"
enter_venv survey
say "$command"
eval "$command"
python - <<'EOF'
import json
from html.parser import HTMLParser
from pathlib import Path

page = Path("report/index.html").read_text(encoding="utf-8")
HTMLParser().feed(page)
assert "<html" in page and page.rstrip().endswith("</html>"), "index.html is not whole"
survey = json.loads(Path("report/survey.json").read_text(encoding="utf-8"))
assert survey, "survey.json is empty"
print("index.html:", len(page), "characters; survey.json:", ", ".join(survey))
EOF
