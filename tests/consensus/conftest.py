"""Published figures are checked where REFERENCE_DATA names the folder of their data sets."""

from __future__ import annotations

import os

# Not collected without the data, and never skipped with it: a wrong folder fails.
collect_ignore_glob = [] if os.environ.get("REFERENCE_DATA") else ["test_reference*.py"]
