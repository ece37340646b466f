"""What we write as BPMN others read, find nothing wrong with, and replay our log on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from cli.main import main
from tests.integration.engine_office import DECLARATION, Office
from workflow.definition import load_folder
from workflow.definition_bpmn import bpmn
from workflow.names import known_names

WITNESS = Path(__file__).parents[1] / "witness" / "bpmn"
NS = {"b": "http://www.omg.org/spec/BPMN/20100524/MODEL"}
REPLAY = """
import sys, warnings
warnings.simplefilter("ignore")
import pm4py
log = pm4py.read_xes(sys.argv[1])
log = log[log["lifecycle:transition"].isin(["complete", "withdraw"])]
log = log[log["case:paraaf:outcome"] != "open"]
net = pm4py.convert_to_petri_net(pm4py.read_bpmn(sys.argv[2]))
fitness = pm4py.fitness_token_based_replay(log, *net)["log_fitness"]
print("ANSWER", log["case:concept:name"].nunique(), fitness)
"""


def test_every_state_and_every_way_is_in_it() -> None:
    for definition in load_folder(known_names()).all:
        process = etree.fromstring(bpmn(definition).encode())
        named = process.xpath("//b:userTask | //b:serviceTask | //b:endEvent", namespaces=NS)
        assert {node.get("name") for node in named} == set(definition.states)
        ways = sum(
            len(one.branches) for state in definition.states.values() for one in state.triggers.values()
        )
        joins = len(process.xpath("//b:exclusiveGateway", namespaces=NS))
        assert len(process.xpath("//b:sequenceFlow", namespaces=NS)) == ways + joins + 1


@pytest.mark.witness
def test_bpmn_io_reads_it_and_finds_nothing() -> None:
    texts = [bpmn(definition) for definition in load_folder(known_names()).all]
    subprocess.run([str(WITNESS / "build")], check=True)
    ran = subprocess.run(
        ["node", str(WITNESS / "lint.mjs")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == [{"warnings": [], "reports": {}}] * len(texts)


@pytest.mark.slow
@pytest.mark.witness
def test_the_log_replays_on_it_without_a_gap(tmp_path: Path) -> None:
    office = Office.open(tmp_path)
    number = office.submit("A1")
    office.fire("return", "manager", number, remark="The salary is missing.")
    office.fire("submit", "employee", number)
    office.fire("approve", "manager", number)
    office.fire("approve", "clerk", number)
    office.run_steps()
    office.fire("sign", "signer", number)
    office.run_steps()
    withdrawn = office.submit("A1")
    office.do("withdraw", "employee", withdrawn, remark="No longer needed.")
    office.store.close()
    log, drawn = tmp_path / "log.xes", tmp_path / "A1.bpmn"
    drawn.write_text(bpmn(office.catalogue.get(DECLARATION, "A1")))
    assert main(["export", "xes", "-o", str(log), "--data", str(tmp_path)]) == 0
    call = [sys.executable, "-c", REPLAY, str(log), str(drawn)]
    ran = subprocess.run(call, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.rpartition("ANSWER")[2].split() == ["2", "1.0"]


def test_several_at_once_are_refused_but_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["definitions", "bpmn"]) != 0
    assert "--json" in capsys.readouterr().err
    assert main(["definitions", "bpmn", "--json"]) == 0
    assert all(one["bpmn"].startswith("<?xml") for one in json.loads(capsys.readouterr().out)["definitions"])
