"""The rule that every cell to be promoted must be Python, IPython's additions included."""

from __future__ import annotations

from cellmill.findings import Finding
from cellmill.notebook.roles import finding_at
from cellmill.notebook.steps import Steps, TaggedCell
from cellmill.notebook.transform import check_syntax, to_python
from cellmill.rules.tags import SyntaxProblem


def findings(steps: Steps) -> list[Finding]:
    """Say which promoted cells have a syntax error, with its line in the cell."""
    found = []
    for tagged in steps.promoted:
        try:
            check_syntax(to_python(tagged.body))
        except SyntaxError as error:
            found.append(_about(tagged, error))
    return found


def _about(tagged: TaggedCell, error: SyntaxError) -> Finding:
    return finding_at(
        tagged.cell,
        SyntaxProblem,
        f"a syntax error: {error.msg}",
        "run the cell in the notebook and mend it, or take its tag away",
        step=tagged.role.name,
        line=min(error.lineno or 1, tagged.body.count("\n") + 1),
    )
