from __future__ import annotations

import json

from vlmrl_ros.core.candidates import CHECKPOINT, INSTRUCTION, Candidate
from vlmrl_ros.nodes.decision import Question, decide
from vlmrl_ros.nodes.selection_report import Report
from vlmrl_ros.nodes.trials import Trial

RETURNS = [[0.0], [1.0], [0.0]]
CANDIDATES = {
    "step_1": Candidate(CHECKPOINT, "/run/checkpoints/step_1"),
    "go": Candidate(INSTRUCTION, "go"),
    "step_3": Candidate(CHECKPOINT, "/run/checkpoints/step_3"),
}


def test_file_picture_table_and_certificate_tell_the_same(tmp_path, capsys):
    question = Question("trust", {}, tuple(CANDIDATES), incumbent="step_1")
    report = Report(tmp_path / "selection", CANDIDATES)
    report.broken = {"step_3": "it is damaged"}
    decision = decide(question, RETURNS, [True, True, False])
    report.decided(question, decision, RETURNS, {"outcome": "success", "policy": "vlm"})
    path = report.ended([Trial(1, 9.0, True, 20), Trial(0, 0.0, False, 80), Trial(1, 9.0, True, 30)])

    plain = json.loads(path.read_text())
    rows = {row["name"]: row for row in plain["candidates"]}
    assert [rows[name]["probability"] for name in CANDIDATES] == list(decision.deployed)
    assert rows["step_3"] == {
        "name": "step_3",
        "candidate": "/run/checkpoints/step_3",
        "loaded": False,
        "error": "it is damaged",
        "returns": [0.0],
        "mean": 0.0,
        "chosen": decision.selection.mixture[2],
        "probability": 0.0,
    }
    assert plain["certificate"] == decision.selection.certificate
    assert rows["go"]["candidate"] == "instruction:go"
    assert (plain["outcome"], plain["policy"]) == ("success", "vlm")
    assert plain["incumbent_stays"] is False
    assert plain["options"]["delta"] == 0.1
    assert plain["deployed"]["drawn"] == {"go": 2, "step_1": 1}
    assert plain["deployed"]["success"] == 2 / 3
    assert (path.parent / "selection.png").read_bytes().startswith(b"\x89PNG")

    printed = capsys.readouterr().out
    assert "failed: it is damaged" in printed
    assert f"certificate {decision.selection.certificate:.2f}" in printed
    assert "incumbent step_1 gives way" in printed
    assert "better try each candidate more often: all candidates have the same noise" in printed


def test_what_a_decision_made_before_did_is_written_beside_it(tmp_path):
    report = Report(tmp_path, CANDIDATES, {"certificate": 0.3, "deployed": "before"})
    plain = json.loads(report.ended([Trial(1, 9.0, True, 20)]).read_text())
    assert plain["certificate"] == 0.3
    assert plain["deployed"]["drawn"] == {"go": 1}
