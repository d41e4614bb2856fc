"""What every `Model` keeps. A test file inherits the class and gives a `model` fixture; see `test_scripted.py`.

The model must be ready for at least three proposals.
"""

from __future__ import annotations

import copy
from typing import Any, get_args

import pytest
from test_local import seen

from actuators.action import pointed
from model.base import Act, Done, Instruction, Model, ModelError, Move, Perception, Reply

ASKED = Instruction("Book a flight", step="Click Search", hint="the last click missed", since=1)
HISTORY = [Done('left_click link "Home"'), Done('type "x"', note="refused by policy rule buy-limit", seen=seen(5))]


class ModelContract:
    @pytest.fixture
    def model(self) -> Model:
        raise NotImplementedError

    def test_it_has_a_name(self, model: Model) -> None:
        assert model.name and model.name.isprintable()

    @pytest.mark.parametrize("perception", get_args(Perception))
    def test_a_proposal_is_a_whole_reply(self, model: Model, perception: Any) -> None:
        reply = model.propose(ASKED, HISTORY, seen(), perception)
        assert isinstance(reply, Reply) and isinstance(reply.move, get_args(Move))
        assert reply.text
        assert reply.confidence is None or 0 <= reply.confidence <= 1
        assert 0 <= reply.cached_tokens <= reply.prompt_tokens
        assert seen().digest in reply.shown

    def test_points_lie_on_the_screen_they_were_proposed_on(self, model: Model) -> None:
        for number, (width, height) in enumerate(((200, 120), (37, 501), (64, 64))):
            looked = seen(number, width, height)
            move = model.propose(Instruction("Look"), [], looked, "pixels").move
            if isinstance(move, Act) and (point := pointed(move.action)) is not None:
                assert looked.screen.contains(point)

    def test_what_it_is_given_stays_as_it_was(self, model: Model) -> None:
        history = copy.copy(HISTORY)
        model.propose(ASKED, history, seen(), "both")
        assert history == HISTORY

    def test_a_closed_model_breaks_with_a_model_error(self, model: Model) -> None:
        model.close()
        model.close()
        with pytest.raises(ModelError) as caught:
            model.propose(ASKED, HISTORY, seen(), "both")
        assert "\n" not in str(caught.value)
