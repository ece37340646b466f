"""Every (state, trigger) pair of every definition moves as the definition says, or is refused."""

from itertools import product
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow import machine
from workflow.definition import Branch, Definition, load_folder
from workflow.definition_errors import FactMissing, NoBranch, TriggerNotHere
from workflow.definition_model import RESERVED_VERBS
from workflow.definition_reader import read
from workflow.machine import GUARDS, machine_of, take, target
from workflow.names import known_names

CATALOGUE = load_folder(known_names())
TRIGGERS = sorted({name for one in CATALOGUE for state in one.states.values() for name in state.triggers})
CONTRACTS = ("permanent", "temporary", "flexible")


def facts(contract: str) -> dict[str, Any]:
    return {"employment": {"contract": contract}}


def expected(branches: tuple[Branch, ...], contract: str) -> Branch:
    """The first branch whose guards hold; each guard here is a contract's own name."""
    return next(branch for branch in branches if all(guard == contract for guard in branch.when))


@pytest.mark.parametrize("definition", CATALOGUE.all, ids=lambda one: one.label)
def test_the_whole_table(definition: Definition) -> None:
    moved = 0
    for state, trigger, contract in product(
        definition.states, [*TRIGGERS, *RESERVED_VERBS, "to_sign"], CONTRACTS
    ):
        known = definition.states[state].triggers.get(trigger)
        if known is None:
            with pytest.raises(TriggerNotHere):
                take(definition, state, trigger, facts(contract))
        else:
            assert take(definition, state, trigger, facts(contract)) == expected(known.branches, contract)
            moved += 1
    assert moved == 3 * sum(len(state.triggers) for state in definition.states.values())


@given(data=st.data(), triggers=st.lists(st.sampled_from(TRIGGERS), max_size=40))
def test_any_sequence_of_triggers_leaves_a_legal_state(data: st.DataObject, triggers: list[str]) -> None:
    definition = data.draw(st.sampled_from(CATALOGUE.all))
    contract = data.draw(st.sampled_from(CONTRACTS))
    state, milestones = definition.start, set()
    for trigger in triggers:
        before = state
        try:
            branch = take(definition, state, trigger, facts(contract))
        except TriggerNotHere:
            assert trigger not in definition.states[state].triggers
            continue
        assert branch in definition.states[before].triggers[trigger].branches
        state = branch.to
        milestones |= {branch.mark} - {None}
        assert state in definition.states
        # a request never signed, delivered or done without what comes before
        assert "approved" in milestones or not milestones & {"signed", "delivered"}
        assert definition.states[state].end != "done" or milestones == definition.milestones


@given(data=st.data(), contract=st.sampled_from(CONTRACTS))
def test_a_walk_by_possible_triggers_ends_only_in_ends(data: st.DataObject, contract: str) -> None:
    definition = data.draw(st.sampled_from(CATALOGUE.all))
    state = definition.start
    for _ in range(60):
        if definition.states[state].end:
            assert not definition.states[state].triggers
            return
        trigger = data.draw(st.sampled_from(sorted(definition.states[state].triggers)))
        state = target(definition, state, trigger, facts(contract))


def test_the_contract_decides_about_the_second_signature() -> None:
    definition = CATALOGUE.get("employer-declaration", "A3")
    assert target(definition, "sealing", "signed", facts("temporary")) == "countersign"
    assert take(definition, "sealing", "signed", facts("permanent")) == Branch("delivering", (), "signed")


@pytest.mark.parametrize(
    "data", [{}, {"employment": {}}, {"employment": None}, {"employment": {"contract": "x"}}]
)
def test_a_missing_fact_is_an_error_and_never_a_no(data: dict[str, Any]) -> None:
    with pytest.raises(FactMissing, match=r"employment\.contract"):
        take(CATALOGUE.get("employer-declaration", "A3"), "sealing", "signed", data)


def test_the_refusal_tells_what_is_possible() -> None:
    with pytest.raises(TriggerNotHere) as caught:
        take(CATALOGUE.get("employer-declaration", "A1"), "review", "sign", {})
    assert caught.value.hint == "Possible here: approve, return, withdraw."
    with pytest.raises(TriggerNotHere):
        take(CATALOGUE.get("employer-declaration", "A1"), "nowhere", "sign", {})


def test_an_open_trigger_of_an_unchecked_definition_finds_no_branch() -> None:
    source = CATALOGUE.get("employer-declaration", "A1").source
    last = '{ to = "delivering", mark = "signed" },'
    assert last in source
    open_ended = read(source.replace(last, '{ to = "delivering", when = ["permanent"] },'), "x")
    with pytest.raises(NoBranch, match="No branch of 'signed'"):
        take(open_ended, "sealing", "signed", facts("flexible"))


@pytest.mark.parametrize("answer", ["yes", 2, 1, None, ""])
def test_a_guard_that_does_not_answer_true_or_false_is_an_error(
    answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = CATALOGUE.get("employer-declaration", "A1").source + "# of this test alone\n" + f"# {answer!r}\n"
    definition = read(source, "x")
    monkeypatch.setattr(machine, "GUARDS", MappingProxyType({**GUARDS, "temporary": lambda _facts: answer}))
    with pytest.raises(TypeError, match="not True or False"):
        take(definition, "sealing", "signed", facts("temporary"))


def test_exactly_one_guard_of_a_complementary_set_holds() -> None:
    for whole, contract in product(machine.EXHAUSTIVE, CONTRACTS):
        assert [GUARDS[name](facts(contract)) for name in sorted(whole)].count(True) == 1


def test_one_machine_serves_all_requests_of_a_definition() -> None:
    definition = CATALOGUE.get("employer-declaration", "A1")
    served = machine_of(definition)
    take(definition, "sign", "sign", {})
    assert machine_of(definition) is served
    assert served.models == []
    assert set(served.events) == {name for state in definition.states.values() for name in state.triggers}
