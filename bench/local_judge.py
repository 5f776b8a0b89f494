"""A judge at an OpenAI-compatible address of this machine, for benches with a real model."""

from __future__ import annotations

import argparse
import ipaddress
import os

from judges.exchange import OptionSpec, QuestionSpec
from judges.local_llm.server import KEY_VARIABLE
from judges.providers.addresses import Reach
from judges.providers.openai_compatible import OpenAICompatible

ADDRESS = "http://127.0.0.1:8097/v1"
LOOPBACK = Reach(networks=(ipaddress.ip_network("127.0.0.0/8"),))

TOPIC = QuestionSpec(
    key="topic",
    text="What is this text about?",
    kind="single",
    options=(
        OptionSpec(1, "", "place", "A building", "Rooms, floors and where they are."),
        OptionSpec(2, "", "post", "Post", "Letters and parcels."),
        OptionSpec(3, "", "travel", "Travel", "Trains, stations, journeys."),
    ),
)


def parser(description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    made.add_argument("--address", default=ADDRESS, help="up to and with /v1")
    made.add_argument("--model", default="local")
    return made


def judge(options: argparse.Namespace) -> OpenAICompatible:
    """The judge, probed. Its key is taken from the environment, as the server's is."""
    key = os.environ.get(KEY_VARIABLE, "")
    provider = OpenAICompatible(options.address, options.model, key, timeout=300, reach=LOOPBACK)
    provider.probe()
    return provider
