"""Items: in by the thousand, out by cursor pages."""

from __future__ import annotations

from collections import Counter

from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.pages import page_of
from annotate.api.queries import ItemQuery
from annotate.api.schema import operation, page
from annotate.api.shapes import ItemShape, ItemsIn, ItemsTaken
from annotate.errors import BadInput, Conflict
from annotate.models import Item, ItemStatus
from annotate.services.events import event_write
from annotate.services.items import ItemRow, ItemTaken, items_take_in


class Items(APIView):
    @operation("Items, oldest first", name="items_list", returns=page(ItemShape), query=ItemQuery)
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.SEE)
        asked = ItemQuery.asked(request)
        rows = Item.objects.filter(project=place.project, status=ItemStatus.LIVE, **asked)
        return page_of(request, rows, ItemShape)

    @operation(
        "Bring items in, up to 1,000 at once; the same again changes nothing",
        name="items_take_in",
        takes=ItemsIn,
        returns=ItemsTaken,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.DATA)
        access.check_active(place)
        given = ItemsIn(data=request.data)
        given.is_valid(raise_exception=True)
        rows = [ItemRow(**item) for item in given.validated_data["items"]]
        twice = [i for i, n in Counter(row.external_id for row in rows).items() if n > 1]
        if twice:
            raise BadInput(f"These external ids come more than once: {', '.join(twice[:10])}.")
        taken = _take_in(place, rows)
        answer = [
            {"external_id": row.external_id, "id": one.item_id, "outcome": str(one.outcome)}
            for row, one in zip(rows, taken, strict=True)
        ]
        return Response(ItemsTaken({"items": answer}).data)


def _take_in(place: Place, rows: list[ItemRow]) -> list[ItemTaken]:
    try:
        with transaction.atomic():
            taken = items_take_in(place.project, rows)
            event_write(
                place.user,
                "items.taken_in",
                project=place.project,
                counts=dict(Counter(str(one.outcome) for one in taken)),
            )
    except IntegrityError:
        # Two requests with the same new items: the database let one of them in.
        raise Conflict("Another request was bringing in the same items. Send this again.") from None
    return taken


class OneItem(APIView):
    @operation("One item", name="item", returns=ItemShape, paths=("project_id", "item_id"))
    def get(self, request: Request, project_id: int, item_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.SEE)
        return Response(ItemShape(access.item_of(place, item_id)).data)
