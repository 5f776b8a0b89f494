"""How dates are written in English. DAY… are Concord's own; the other names are Django's."""

from __future__ import annotations

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
DAY_FORMAT = "j F"
DAY_TIME_FORMAT = "j F, H:i"
