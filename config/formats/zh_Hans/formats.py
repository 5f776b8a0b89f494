"""How dates and numbers are written in Simplified Chinese: thousands are parted as in tables of
figures (Django would part nothing).
"""

from __future__ import annotations

DATE_FORMAT = "Y年n月j日"
DATETIME_FORMAT = "Y年n月j日 H:i"
SHORT_DATE_FORMAT = "Y年n月j日"
SHORT_DATETIME_FORMAT = "Y年n月j日 H:i"
DAY_FORMAT = "n月j日"
DAY_TIME_FORMAT = "n月j日 H:i"
DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
