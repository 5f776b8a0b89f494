"""Figures that others published or recomputed, ours beside them, on the sets in REFERENCE_DATA.

    REFERENCE_DATA=path/to/data python -m bench.reference [--quick] [--only WORD]
    REFERENCE_DATA=path/to/data python -m bench.reference --set NAME [--set NAME ...]

Each row says how far ours may lie from the published figure, and whether it does. Exits 1 where one
disagrees. ``--quick`` leaves out what takes long; ``--only`` keeps the tables whose title has the
word. ``--set`` prints, for any set with a file NAME.labels.csv (and NAME.gold.csv), everything that
its data allow; there is nothing published to compare with.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from bench.reference import (
    aggregation,
    agreement,
    alternative_annotator,
    errors,
    many_judges,
    one_set,
    single_judges,
)
from bench.reference.figures import HEAD, Section

SECTIONS: dict[str, Section] = {
    "Combining labels: accuracy against gold, ties shared": aggregation.accuracies,
    "Dawid and Skene's 45 patients": aggregation.patients,
    "Agreement of people": agreement.alphas,
    "Single LLM judges against gold": single_judges.single_judges,
    "Many LLM judges counted as many annotators": many_judges.counted_alike,
    "Many LLM judges by the default rule: goals": many_judges.default_rule,
    "Alternative Annotator Test": alternative_annotator.alt_tests,
    "Label errors found, in per cent": errors.label_errors_found,
}


def main() -> int:
    options = _options()
    if "REFERENCE_DATA" not in os.environ:
        sys.exit("Set REFERENCE_DATA to the folder of the published data sets.")
    if options.set:
        for name in options.set:
            one_set.report(name, seed=options.seed)
        return 0
    wrong = n = 0
    for title, section in SECTIONS.items():
        if options.only.lower() not in title.lower():
            continue
        start = time.process_time()
        print(f"{title}\n{HEAD}")
        for figure in section(quick=options.quick):
            print(figure.line(), flush=True)
            n += 1
            wrong += not figure.agrees
        print(f"  {time.process_time() - start:.1f} s of a processor\n")
    print(f"{wrong} of {n} figures disagree" if wrong else f"all {n} figures agree")
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("--set", action="append", metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
