"""A keystore in the layout of SROS 2: by SROS 2 itself where it is installed, otherwise by the cryptography library."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from vlmrl_ros.bridge.security import documents
from vlmrl_ros.bridge.security.documents import Enclaves
from vlmrl_ros.core.errors import ConfigError, PluginError

AUTHORITY = "vlmrl_ros CA"
VALID_DAYS = 3650
"""As long as the certificates of SROS 2."""
SECRET, OPEN = 0o600, 0o644
POLICY_FILE = "policy.xml"
PARTS = (
    "identity_ca.cert.pem",
    "permissions_ca.cert.pem",
    "governance.p7s",
    "permissions.p7s",
    "cert.pem",
    "key.pem",
)
"""What the middleware looks for in the directory of an enclave."""


def create(keystore: Path, enclaves: Enclaves, domain_id: int) -> str:
    """Make a keystore, or add to it and renew the permissions in it; its authority stays.

    Args:
        keystore: directory.
        enclaves: what each node may do.
        domain_id: the domain of ``ROS_DOMAIN_ID`` that everything holds for.

    Returns:
        what made it: ``sros2`` or ``cryptography``.

    Raises:
        PluginError: neither is installed.
        ConfigError: the directory cannot be written, holds something else, or SROS 2 fails.
    """
    if keystore.exists() and not keystore.is_dir():
        raise ConfigError(f"keystore '{keystore}' is no directory; valid: a new or an existing keystore")
    if keystore.exists() and any(keystore.iterdir()) and not (keystore / "enclaves").is_dir():
        raise ConfigError(f"'{keystore}' is not empty and is no keystore; valid: a new or an existing keystore")
    try:
        keystore.mkdir(parents=True, exist_ok=True)
        (keystore / POLICY_FILE).write_bytes(documents.policy(enclaves))
    except OSError as error:
        raise ConfigError(f"keystore '{keystore}' cannot be written: {error}") from error
    if has_sros2():
        _by_sros2(keystore, domain_id)
        return "sros2"
    _Authority(keystore, domain_id).admit(enclaves)
    return "cryptography"


def has_sros2() -> bool:
    """``ros2 security`` is there."""
    ros2 = shutil.which("ros2")
    if ros2 is None:
        return False
    return subprocess.run([ros2, "security", "--help"], capture_output=True, check=False).returncode == 0


def enclave_directory(keystore: Path, enclave: str) -> Path:
    """Where the middleware looks for the keys of an enclave."""
    return keystore / "enclaves" / enclave.lstrip("/")


def missing_parts(keystore: Path, enclave: str) -> list[str]:
    """What the directory of an enclave lacks; empty when it is whole."""
    directory = enclave_directory(keystore, enclave)
    return [part for part in PARTS if not (directory / part).is_file()]


def _by_sros2(keystore: Path, domain_id: int) -> None:
    command = ["ros2", "security", "generate_artifacts", "-k", str(keystore), "-p", str(keystore / POLICY_FILE)]
    env = {**os.environ, "ROS_DOMAIN_ID": str(domain_id)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise ConfigError(f"'{' '.join(command)}' failed: {(done.stderr or done.stdout).strip()[-500:]}")


class _Authority:
    """The certificate authority of a keystore; identities and permissions have one and the same, as in SROS 2."""

    def __init__(self, keystore: Path, domain_id: int) -> None:
        """Take what is there, or begin."""
        try:
            from cryptography import x509  # only who makes keys needs it
            from cryptography.hazmat.primitives import hashes, serialization
            from cryptography.hazmat.primitives.asymmetric import ec
            from cryptography.hazmat.primitives.serialization import pkcs7
        except ImportError as error:
            raise PluginError(
                "making keys needs SROS 2 (apt: ros-<distro>-sros2) or the cryptography library: "
                "pip install 'vlmrl_ros[security]'"
            ) from error
        self._x509, self._hashes, self._serialization, self._ec, self._pkcs7 = x509, hashes, serialization, ec, pkcs7
        self._keystore, self._domain_id = keystore, domain_id
        for name in ("public", "private", "enclaves"):
            (keystore / name).mkdir(exist_ok=True)
        (keystore / "private").chmod(0o700)
        self._key, self._certificate = self._load() or self._begin()
        self._sign(documents.governance(domain_id), keystore / "enclaves" / "governance.p7s")

    def admit(self, enclaves: Enclaves) -> None:
        """Keys, certificate and permissions for each enclave; keys that exist stay."""
        for enclave, grant in enclaves.items():
            directory = enclave_directory(self._keystore, enclave)
            directory.mkdir(parents=True, exist_ok=True)
            for name in ("identity_ca.cert.pem", "permissions_ca.cert.pem"):
                _link(directory / name, self._keystore / "public" / name)
            _link(directory / "governance.p7s", self._keystore / "enclaves" / "governance.p7s")
            if not (directory / "key.pem").is_file() or not (directory / "cert.pem").is_file():
                key = self._ec.generate_private_key(self._ec.SECP256R1())
                self._write(directory / "cert.pem", self._certify(enclave, key.public_key(), self._key))
                self._write_key(directory / "key.pem", key)
            certificate = self._x509.load_pem_x509_certificate((directory / "cert.pem").read_bytes())
            valid = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
            content = documents.permissions(enclave, grant, self._domain_id, valid)
            (directory / "permissions.xml").write_bytes(content)
            self._sign(content, directory / "permissions.p7s")

    def _load(self) -> tuple[Any, Any] | None:
        key, certificate = self._keystore / "private" / "ca.key.pem", self._keystore / "public" / "ca.cert.pem"
        if not key.is_file() or not certificate.is_file():
            return None
        return (
            self._serialization.load_pem_private_key(key.read_bytes(), None),
            self._x509.load_pem_x509_certificate(certificate.read_bytes()),
        )

    def _begin(self) -> tuple[Any, Any]:
        key = self._ec.generate_private_key(self._ec.SECP256R1())
        certificate = self._certify(AUTHORITY, key.public_key(), key, authority=True)
        public, private = self._keystore / "public", self._keystore / "private"
        self._write(public / "ca.cert.pem", certificate)
        self._write_key(private / "ca.key.pem", key)
        for name in ("identity_ca", "permissions_ca"):
            _link(public / f"{name}.cert.pem", public / "ca.cert.pem")
            _link(private / f"{name}.key.pem", private / "ca.key.pem")
        return key, certificate

    def _certify(self, name: str, public_key: Any, key: Any, authority: bool = False) -> Any:
        x509, now = self._x509, datetime.now(timezone.utc)
        named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(named if authority else self._certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))  # clocks of robots may be behind
            .not_valid_after(now + timedelta(days=VALID_DAYS))
        )
        constraints = x509.BasicConstraints(ca=authority, path_length=1 if authority else None)
        builder = builder.add_extension(constraints, critical=authority)
        return builder.sign(key, self._hashes.SHA256())

    def _sign(self, content: bytes, path: Path) -> None:
        """S/MIME with a detached signature, as DDS Security wants it."""
        options = [self._pkcs7.PKCS7Options.Text, self._pkcs7.PKCS7Options.DetachedSignature]
        builder = self._pkcs7.PKCS7SignatureBuilder().set_data(content)
        signed = builder.add_signer(self._certificate, self._key, self._hashes.SHA256())
        path.write_bytes(signed.sign(self._serialization.Encoding.SMIME, options))

    def _write(self, path: Path, certificate: Any) -> None:
        path.write_bytes(certificate.public_bytes(self._serialization.Encoding.PEM))
        path.chmod(OPEN)

    def _write_key(self, path: Path, key: Any) -> None:
        s = self._serialization
        raw = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, SECRET)
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)


def _link(path: Path, target: Path) -> None:
    """A relative link, so that a keystore can be moved."""
    if not path.is_symlink() and not path.exists():
        path.symlink_to(os.path.relpath(target, path.parent))
