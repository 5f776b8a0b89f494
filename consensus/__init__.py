"""Statistics of labels: arrays in, values out.

No Django, no input or output, no clock; randomness comes in as a seed. Each quantity has its
formula and source in `docs/statistics.md`. This file imports nothing, so that `import consensus`
stays cheap: import the module you need, for instance `from consensus.majority import majority`.
"""

from __future__ import annotations
