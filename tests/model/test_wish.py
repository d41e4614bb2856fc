"""Free wishes: what is typed, what is looked for, and how far a wish of several acts has come."""

import pytest

from actuators.geometry import Rect, Screen
from actuators.observation import Node
from model.base import Done, Instruction
from model.course import Course
from model.protocols import elements, meaning, wish
from model.protocols.asked import understood


def node(role: str, name: str, y: int = 0, **more: object) -> Node:
    return Node(id=f"{role}{name}{y}", role=role, name=name, rect=Rect(0, y, 100, y + 20), **more)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ('Type "Rex" into the text field', "Rex"),
        ('type "Rex" in all lower case letters in the text input', "rex"),
        ('type "Rex" in upper case in the box', "REX"),
        ("Enter 02/02/2013 as the date", "02/02/2013"),
        ("enter the date 02/02/2013", "02/02/2013"),
        ("fill in the Name field with Ada Lovelace", "Ada Lovelace"),
        ("write Ada to the Name field", "Ada"),
        ("Type the text below into the text field", None),
        ("press Save", None),
        ("open the typing lessons", None),
    ],
)
def test_what_is_to_be_typed(text: str, typed: str | None) -> None:
    assert wish.typed(text) == typed


def test_a_wish_to_type_is_said_in_the_words_of_a_plan() -> None:
    assert wish.reworded("Rex", node("textbox", "Name")) == "type Rex into the Name field"
    assert wish.reworded("Rex", node("textbox", "")) == "type Rex into the field"


@pytest.mark.parametrize(
    ("text", "seeks"),
    [
        ('Switch between the tabs to find and click on the link "a"', True),
        ("Navigate through the file tree", True),
        ("Find the mail by Ada", True),
        ("press the Find button", False),
        ("click on the findings", False),
    ],
)
def test_what_may_have_to_be_looked_for(text: str, seeks: bool) -> None:
    assert wish.seeks(text) is seeks


def test_tabs_are_opened_once_each_and_not_the_chosen_one() -> None:
    tabs = [node("tab", "One", 0, selected=True), node("tab", "Two", 20), node("tab", "Three", 40)]
    assert [one.name for one in wish.openers(tabs, [], "find it")] == ["Two", "Three"]
    assert [one.name for one in wish.openers(tabs, [Done('left_click tab "Two"')], "find it")] == ["Three"]
    assert wish.openers([node("button", "Save")], [], "find it") == []


def test_in_a_tree_whatever_can_be_pressed_may_be_opened() -> None:
    folders = [node("generic", "Letters"), node("generic", "Bills", 20)]
    assert wish.openers(folders, [], "find it") == []
    assert len(wish.openers(folders, [], "navigate through the file tree")) == 2


def test_a_search_does_not_count_as_the_wish() -> None:
    course, goal = Course(), "Find and press Bills; then press Save"
    course.look(Instruction(goal), [])
    first = course.part(Instruction(goal, unfinished=True))
    assert (first.goal, first.since, first.unfinished) == ("press Bills", 0, False)
    course.search([])
    opened = [Done('left_click tab "Two"')]
    assert course.part(Instruction(goal, unfinished=True)).since == 1
    assert list(course.searched(opened)) == opened
    assert course.more(opened)
    last = course.part(Instruction(goal, unfinished=True))
    assert (last.goal, last.since, last.unfinished) == ("press Save", 1, True)
    assert not course.more(opened)


def test_a_wish_of_which_nothing_need_be_done_comes_to_its_end() -> None:
    course, goal = Course(), "press A, then press B"
    course.look(Instruction(goal), [])
    assert course.part(Instruction(goal)).goal == "press A" and course.more([])
    assert course.part(Instruction(goal)).goal == "press B" and not course.more([])


def test_a_find_and_the_press_after_it_are_one_wish_where_the_row_has_the_control() -> None:
    course, goal = Course(), "Find the mail by Ada and click the bin to delete it, then press Close"
    course.look(Instruction(goal), [])
    assert course.together() == "click the bin in the row of mail by Ada"
    course.join()
    assert course.part(Instruction(goal)).goal == "click the bin in the row of mail by Ada"
    assert course.more([]) and course.part(Instruction(goal)).goal == "press Close" and not course.together()


def test_what_stands_in_a_row_with_tabs_is_one_and_sections_are_opened_whatever_they_were_taken_for() -> None:
    row = [node("tab", "One", 0, selected=True), node("button", "Two", 0)]
    assert [one.name for one in wish.openers(row, [], "find it")] == ["Two"]
    folds = [node("textbox", "Section A"), node("textbox", "Section B", 40)]
    assert wish.openers(folds, [], "find it") == []
    opened = [Done('left_click textbox "Section A"')]
    assert [one.name for one in wish.openers(folds, opened, "expand the sections to find it")] == ["Section B"]


def test_of_a_line_that_was_read_the_quoted_words_are_pressed() -> None:
    line = Node("a", "link", "Vitae magna", Rect(100, 10, 210, 30))
    part = elements.part_of(line, 'click on the link "magna"')
    assert (part.name, part.rect) == ("magna", Rect(160, 10, 210, 30))
    for kept in ('click "Vitae magna"', 'click "agna"', "click magna"):
        assert elements.part_of(line, kept) is line
    assert elements.part_of(Node("a", "button", "Save all", Rect(0, 0, 90, 20)), 'press "all"').name == "Save all"


def test_typing_goes_on_after_the_press_into_the_field() -> None:
    pressed, typed = Done('left_click textbox "Time"'), Done("type 6:37 PM")
    assert wish.begun([pressed]) and not wish.begun([pressed, typed]) and not wish.begun([])


def test_in_a_tree_the_signs_are_pressed_where_there_are_any() -> None:
    tree = [node("button", "expand"), node("generic", "Bills", 20)]
    pressed = [Done('left_click button "expand"')]
    assert wish.openers(tree, pressed, "navigate through the file tree") == tree[:1]


def test_asking_again_on_the_same_screen_does_not_begin_anew() -> None:
    course, goal = Course(), "press A, then press B"
    course.look(Instruction(goal), [])
    done = [Done('left_click button "A"')]
    course.look(Instruction(goal), done)
    assert course.more(done)
    course.search(done)
    assert course.part(Instruction(goal)).goal == "press B"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("click button TWO", "TWO"),
        ("click button ONE", "ONE"),
        ('close the dialog box by clicking the "x"', "x"),
        ('click on a "radio" widget', "Third"),
        ("click the Bin button to delete it", "Bin"),
    ],
)
def test_the_thing_that_is_meant(text: str, name: str) -> None:
    listed = [
        node("button", "ONE", 0), node("button", "TWO", 30), node("button", "x", 60), node("radio", "Third", 90),
        node("button", "Bin", 120), node("textbox", "It", 150),
    ]  # fmt: skip
    found = meaning.meant(listed, text, Screen(300, 300))
    assert [one.name for one in found.nodes] == [name], [way.words for way in understood(text)]


def test_a_text_that_prints_the_wish_is_not_what_it_means() -> None:
    whole = "Select Ada and click Submit when done"
    assert elements.echoes(node("text", whole), (whole, "click Submit"))
    assert elements.echoes(node("text", "Select and click Submit when done"), (whole,))
    assert elements.echoes(node("text", "Selekt Adda and cIick Submit wen done"), (whole,))
    assert not elements.echoes(node("button", whole), (whole,))
    assert elements.echoes(node("text", "Click button ONE."), ("Click button ONE",))
    assert not elements.echoes(node("text", "Inbox"), ("Inbox",))
    assert elements.echoes(node("button", whole), (whole,), misread=True)
    assert not elements.echoes(node("text", "Submit"), (whole,))
    assert not elements.echoes(node("text", "All your data is sent to us at once"), (whole,))


def test_a_print_of_the_wish_in_pieces_is_left_out_and_the_thing_itself_stays() -> None:
    wish_of = 'Close the dialog box by clicking the "x".'
    first, second = node("text", "Close the dialog box by", 10), node("text", "clicking the x", 32)
    close, far = node("button", "x", 60), node("text", "clicking the x", 300)
    left = elements.without_echoes([first, second, close, far], (wish_of,))
    assert left == [close, far]


@pytest.mark.parametrize(
    ("text", "checked", "outstanding"),
    [
        ("Uncheck Ahaus", True, True),
        ("Uncheck Ahaus", False, False),
        ("Switch off Ahaus", True, True),
        ("Tick Ahaus", False, True),
        ("Tick Ahaus", True, False),
        ("Turn on Ahaus", None, False),
        ("Click Ahaus", False, False),
    ],
)
def test_what_stands_the_other_way_is_not_done_yet(text: str, checked: bool | None, outstanding: bool) -> None:
    tick = Node(id="1", role="checkbox", name="Ahaus", rect=Rect(10, 10, 23, 23), checked=checked)
    assert wish.outstanding(text, [tick]) is outstanding
    assert not wish.outstanding(text, [])


def test_what_stands_in_a_field_is_replaced_and_not_added_to() -> None:
    held, empty = node("textbox", "Number", value="1", filled=True), node("textbox", "Number")
    assert wish.replaces("type 3 into the Number field", [held])
    for text, nodes in (("type 1 into the Number field", [held]), ("type 3 into the Number field", [empty]),
                        ("press Number", [held]), ("type 3 into the Number field", [held, empty])):  # fmt: skip
        assert not wish.replaces(text, nodes)


def test_a_named_button_is_met_by_its_whole_name_alone() -> None:
    text = "press the Add Stapler to cart button"
    cart, staples, stapler = (
        node("link", "Cart"),
        node("button", "Add Staples to cart"),
        node("button", "Add Stapler to cart"),
    )
    assert elements.names_one(text) and not elements.names_one("press the enter key")
    assert [elements.holds_name(one, text) for one in (cart, staples, stapler)] == [False, False, True]
    assert elements.named([cart, staples], text) == [] and elements.named([cart, stapler], text) == [stapler]
    assert elements.named([cart], "press the Cart button") == [cart]
    assert elements.holds_name(cart, "open the second row")


def test_the_next_numbered_section_is_opened_whatever_it_was_taken_for() -> None:
    text = "Expand the sections below, to find it"
    pressed = [Done('left_click textbox "Section #1"')]
    field = node("textbox", "felis.", 60, value="Section #2")
    listed = [node("tab", "Section #1"), node("link", "Libero", 20), field, node("tab", "", 40)]
    assert [(one.name, one.rect.top) for one in wish.openers(listed, pressed, text)] == [("Section #2", 60)]
    assert [one.name for one in wish.openers(listed, [*pressed, Done('left_click tab "Section #2"')], text)] == []


def test_a_menu_without_a_name_is_opened_by_the_only_sign_for_it() -> None:
    plus, save = node("button", "add"), node("button", "Save", 40)
    assert wish.folded("Expand the pie menu below", [plus, save]) == [plus]
    assert wish.folded("Expand the pie menu below", [plus, node("button", "menu", 80)]) == []
    assert wish.folded("Expand the list", [plus]) == [] and wish.folded("open the menu", [save]) == []


def test_an_entry_is_known_by_its_beginning_and_its_end() -> None:
    entry = wish.completion('Enter an item that starts with "Cana" and ends with "da"')
    assert entry == wish.Completion("Cana", "da")
    assert wish.completion("Choose the option which begins with 'Lux'") == wish.Completion("Lux")
    for other in (
        'Enter "Cana"',
        "Enter an item",
        'click the item that starts with "Cana"',
        'Type "a" and end with "b"',
    ):
        assert wish.completion(other) is None
    offers = [node("textbox", name, 20 * n) for n, name in enumerate(("Cana", "Canary Islands", "canada"))]
    assert [one.name for one in wish.Completion("Cana", "da").offered(offers)] == ["canada"]
    assert wish.Completion("Cana", "x").offered(offers) == []
    assert [one.name for one in wish.Completion("Canar", "x").offered(offers)] == ["Canary Islands"]


def test_a_search_takes_what_holds_the_words_and_gives_up_a_text_that_was_pressed() -> None:
    wanted = 'click on the link "arcu"'
    text, field = node("text", "non habitasse arcu"), node("textbox", "vulputate", 20)
    assert [one.name for one in wish.sought([text, field], [field], [], wanted)] == ["arcu"]
    link = node("link", "Arcu.", 40)
    assert wish.sought([text, field, link], [field], [], wanted) == [link]
    assert wish.sought([text, link], [link], [Done('left_click link "Arcu."')], wanted) == [link]
    assert wish.sought([text, field], [field], [Done('left_click text "non habitasse arcu"')], wanted) == []
    assert wish.sought([field], [field], [], wanted) == [field]


def test_a_text_that_the_screen_shows_is_typed_where_it_is_the_only_one() -> None:
    wanted, shown, field = "Type the text below into the text field", node("text", "lq4"), node("textbox", "", 40)
    assert wish.copied(wanted, [shown, field]) == "lq4"
    assert wish.copied(wanted, [shown, node("text", "Help", 80), field]) is None
    assert wish.copied('Type "Rex" into the field', [shown]) is None and wish.copied("press Save", [shown]) is None
