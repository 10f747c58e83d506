from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from vlmrl_ros.bridge.security import keystore
from vlmrl_ros.bridge.security.grants import Grant
from vlmrl_ros.core.errors import ConfigError

pytest.importorskip("cryptography")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl checks the signatures")

ENCLAVES = {"/lab/teleop": Grant(publish=("command",), subscribe=("joy",), reply=("~/get_state",), request=("estop",))}
DOMAIN = 44


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def store(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(keystore, "has_sros2", lambda: False)
    assert keystore.create(tmp_path / "keys", ENCLAVES, DOMAIN) == "cryptography"
    return tmp_path / "keys"


@needs_openssl
def test_certificates_and_documents_are_signed_by_the_authority_of_the_keystore(store):
    authority, enclave = store / "public" / "ca.cert.pem", keystore.enclave_directory(store, "/lab/teleop")
    openssl("verify", "-CAfile", authority, enclave / "cert.pem")
    for document, root in (("permissions.p7s", "permissions"), ("governance.p7s", "domain_access_rules")):
        text = openssl("smime", "-verify", "-text", "-in", enclave / document, "-CAfile", authority)
        assert Xml.fromstring(text.encode()).find(root) is not None
    assert openssl("x509", "-in", enclave / "cert.pem", "-noout", "-subject").strip().endswith("/lab/teleop")


@needs_openssl
def test_permissions_that_somebody_changed_no_longer_verify(store):
    signed = keystore.enclave_directory(store, "/lab/teleop") / "permissions.p7s"
    signed.write_bytes(signed.read_bytes().replace(b"<default>DENY", b"<default>ALLOW"))
    with pytest.raises(AssertionError):
        openssl("smime", "-verify", "-in", signed, "-CAfile", store / "public" / "ca.cert.pem")


def test_a_node_may_do_what_it_is_granted_in_its_domain_and_nothing_else(store):
    path = keystore.enclave_directory(store, "/lab/teleop") / "permissions.xml"
    grant = Xml.fromstring(path.read_bytes()).find("permissions/grant")
    topics = {
        way: {t.text for t in grant.findall(f"allow_rule/{way}/topics/topic")} for way in ("publish", "subscribe")
    }
    assert topics["publish"] == {
        "ros_discovery_info",
        "rt/lab/command",
        "rr/lab/teleop/get_stateReply",
        "rq/lab/estopRequest",
    }
    assert topics["subscribe"] == {
        "ros_discovery_info",
        "rt/lab/joy",
        "rq/lab/teleop/get_stateRequest",
        "rr/lab/estopReply",
    }
    assert grant.findtext("default") == "DENY"
    assert grant.findtext("subject_name") == "CN=/lab/teleop"
    assert [domain.text for domain in grant.findall("allow_rule/domains/id")] == [str(DOMAIN)]


def test_private_keys_are_readable_by_their_owner_alone(store):
    keys = [path for path in store.rglob("*key.pem") if not path.is_symlink()]
    assert len(keys) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_a_second_run_keeps_the_keys_and_renews_the_permissions(store):
    directory = keystore.enclave_directory(store, "/lab/teleop")
    before = (directory / "key.pem").read_bytes(), (store / "private" / "ca.key.pem").read_bytes()
    keystore.create(store, {"/lab/teleop": Grant(publish=("nothing",)), "/lab/learner": Grant()}, DOMAIN)
    assert before == ((directory / "key.pem").read_bytes(), (store / "private" / "ca.key.pem").read_bytes())
    assert b"rt/lab/nothing" in (directory / "permissions.xml").read_bytes()
    assert keystore.missing_parts(store, "/lab/learner") == []


def test_a_keystore_can_be_moved(store, tmp_path):
    moved = store.rename(tmp_path / "elsewhere")
    assert keystore.missing_parts(moved, "/lab/teleop") == []


def test_an_enclave_that_is_not_there_lacks_everything(store):
    assert keystore.missing_parts(store, "/lab/thief") == list(keystore.PARTS)


def test_a_file_is_no_keystore(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=rf"^keystore '{tmp_path}/file' is no directory; valid: a new or an existing"):
        keystore.create(tmp_path / "file", ENCLAVES, DOMAIN)


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="is not empty and is no keystore"):
        keystore.create(tmp_path, ENCLAVES, DOMAIN)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
