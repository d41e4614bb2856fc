"""What the network is left to say for wishes about figures and drags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from drawn_shapes import frame, rows

from actuators.geometry import Point, Rect, Screen
from actuators.observation import Frame, Node, Observation
from model.base import Done, Instruction
from model.looks import Looks
from model.protocols.grid import PUBLISHED
from model.reading.shapes import Shape

REDS = frame(*[("rectangle", (20 + 60 * n, 20, 60 + 60 * n, 60), "red") for n in range(3)])


def screen(shown: Frame, nodes: Sequence[Node] = ()) -> Observation:
    return Observation(0, 0.0, "browser", Screen(400, 300), shown, tuple(nodes))


def looks(
    goal: str, shown: Frame, nodes: Sequence[Node] = (), past: Sequence[str] = (), unfinished: bool = False
) -> Looks:
    seen = screen(shown, nodes)
    history = [Done(summary, "", seen) for summary in past]

    def find(words: str) -> list[Node]:
        return [node for node in nodes if node.name == words]

    def signs(seen: Observation, found: Sequence[Shape]) -> dict[Shape, str]:
        return {one: "2" for one in found if one.rect.left == 300}

    return Looks(
        Instruction(goal, unfinished=unfinished),
        history,
        seen,
        nodes,
        (),
        find,
        signs,
        lambda seen: seen.nodes,
        PUBLISHED,
    )


def test_other_wishes_are_left_alone() -> None:
    for goal in ("press Save", "type Ada into the Name field", "drag the moon to the top", "click on a green circle"):
        assert looks(goal, REDS).offered() is None


def test_one_figure_is_pressed_and_nothing_else_may_be_done() -> None:
    offered = looks("Click on the red square", REDS).offered()
    assert offered is not None
    assert (offered[1].points, offered[1].only, offered[1].unfinished) == (((101, 135),), "left_click", True)
    assert looks("Click on the red square", REDS, past=["left_click"]).offered() is None


def test_all_of_a_kind_are_pressed_one_after_the_other() -> None:
    pressed = [looks("Select all red squares", REDS, past=["left_click"] * n).offered() for n in range(4)]
    assert [one and one[1].points for one in pressed] == [((101, 135),), ((251, 135),), ((401, 135),), ()]
    assert pressed[3] is not None and pressed[3][1].only == "terminate"


def test_an_act_that_was_refused_counts_for_nothing() -> None:
    stage = looks("Select all red squares", REDS)
    refused = Done("left_click", "", stage.seen, note="refused by policy rule buy-limit")
    offered = replace(stage, history=[refused]).offered()
    assert offered is not None and offered[1].points == ((101, 135),)


def test_the_answer_to_a_count_is_pressed() -> None:
    answers = [Node(f"b{n}", "button", str(n), Rect(20 + 60 * n, 200, 60 + 60 * n, 230)) for n in range(5)]
    offered = looks("How many red squares are there?", REDS, answers).offered()
    assert offered is not None and offered[1].points == (PUBLISHED.place(answers[3].rect.centre, Screen(400, 300)),)
    drawn = frame(("ellipse", (20, 20, 61, 61), "red"), ("ellipse", (90, 20, 131, 61), "red"),
                  ("triangle", (300, 200, 341, 241), "black"))  # fmt: skip
    offered = looks("How many red circles are there?", drawn).offered()
    place = PUBLISHED.place(Rect(300, 200, 341, 241).centre, Screen(400, 300))
    assert offered is not None and offered[1].points == (place,)


def test_a_drag_from_here_to_there() -> None:
    nodes = [Node("a", "text", "Ada", Rect(60, 32, 120, 48))]
    offered = looks("Drag Ada down by one", frame(*rows(3)), nodes).offered()
    assert offered is not None and offered[1].drag is not None
    (x, y), (to_x, to_y) = offered[1].drag
    assert x == to_x and y < to_y


def test_what_was_sorted_has_to_be_sent_where_the_runtime_knows_better() -> None:
    nodes = [Node(f"n{n}", "text", str(n), Rect(60, 32 + 50 * n, 80, 48 + 50 * n)) for n in range(3)]
    send = Node("s", "button", "Submit", Rect(20, 250, 120, 280))
    said = "Sort the numbers in increasing order"
    done = looks(said, frame(*rows(3)), [*nodes, send]).offered()
    assert done is not None and done[1].only == "terminate"
    sent = looks(said, frame(*rows(3)), [*nodes, send], unfinished=True).offered()
    assert sent is not None and sent[1].points == (PUBLISHED.place(send.rect.centre, Screen(400, 300)),)


def test_the_word_for_a_figure_and_the_number_of_its_sides_are_pressed() -> None:
    words = [
        Node(w, "button", w, Rect(20, 200 + 30 * n, 120, 225 + 30 * n)) for n, w in enumerate(("Circle", "Triangle"))
    ]
    drawn = frame(("triangle", (100, 20, 161, 81), "green"))
    offered = looks("Click the button that best describes the figure below", drawn, words).offered()
    assert offered is not None and offered[1].points == (PUBLISHED.place(words[1].rect.centre, Screen(400, 300)),)
    sides = [Node(n, "button", n, Rect(20 + 60 * int(n), 200, 60 + 60 * int(n), 225)) for n in "34"]
    offered = looks("Press the button that denotes how many sides the shape has", drawn, sides).offered()
    assert offered is not None and offered[1].points == (PUBLISHED.place(sides[0].rect.centre, Screen(400, 300)),)


def test_the_number_of_blocks_is_typed() -> None:
    said = looks("Type the total number of blocks into the textbox", REDS).reworded()
    assert (said.goal, said.values) == ("type 3 into the textbox", ("3",))
    assert looks("type Ada into the textbox", REDS).reworded().goal == "type Ada into the textbox"


def test_a_spot_is_pressed_once() -> None:
    dots = frame(("ellipse", (94, 94, 107, 107), "black"), ("ellipse", (194, 94, 207, 107), "black"))
    said = "click on the mid-point between the two points"
    offered = looks(said, dots).offered()
    assert offered is not None and offered[1].points == (PUBLISHED.place(Point(150, 100), Screen(400, 300)),)
    done = looks(said, dots, past=["left_click"]).offered()
    assert done is not None and done[1].only == "terminate"


def test_each_slider_goes_by_the_number_beside_it() -> None:
    drawn = frame(("rectangle", (40, 44, 340, 56), "#c5c5c5"), ("rectangle", (88, 38, 112, 62), "#3366cc"))
    number = [Node("n", "text", "10", Rect(40, 64, 60, 80))]
    offered = looks("set the slider to 40", drawn, number).offered()
    assert offered is not None and offered[1].drag is not None
    done = looks("set the slider to 10", drawn, number).offered()
    assert done is not None and done[1].only == "terminate"
    assert looks("set the slider to 40", drawn).offered() is None


def test_a_step_of_a_plan_sends_nothing_by_itself() -> None:
    nodes = [Node(f"n{n}", "text", str(n), Rect(60, 32 + 50 * n, 80, 48 + 50 * n)) for n in range(3)]
    send = Node("s", "button", "Submit", Rect(20, 250, 120, 280))
    free = looks("sort", frame(*rows(3)), [*nodes, send], unfinished=True)
    step = replace(free, asked=replace(free.asked, step="Sort the numbers in increasing order"))
    offered = step.offered()
    assert offered is not None and offered[1].only == "terminate" and not offered[1].points
