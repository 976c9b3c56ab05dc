"""Verifies receipts of a hub without the hub's software: verify_receipt.py keys.json receipt.json|receipt.html ...

keys.json is the hub's /.well-known/jwks.json, or what `hub receipt keys` wrote. Needs the package `cryptography`.
"""
import base64, datetime, json, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

INSIDE = re.compile(r'<script type="application/json" id="hub-receipt">(.*?)</script>', re.DOTALL)

def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

def fault(text, keys):
    inside = INSIDE.search(text)
    receipt = json.loads(inside[1] if inside else text)
    key = keys.get(receipt["key_id"])
    if key is None:
        return "the key is unknown"
    signature, receipt["signature"] = decoded(receipt["signature"]), ""
    # RFC 8785, as far as receipts need it: their names are ASCII, their numbers integers.
    signed = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        Ed25519PublicKey.from_public_bytes(decoded(key["x"])).verify(signature, signed.encode())
    except InvalidSignature:
        return "content or signature were changed"
    if "revoked" in key:
        return "the key was revoked"
    time = datetime.datetime.fromisoformat((receipt.get("signed_at") or receipt["committed_at"]).replace("Z", "+00:00"))
    if not key["nbf"] <= int(time.timestamp()) <= key.get("exp", sys.maxsize):
        return "the key was not in force at the time of the signature"

keys = {key["kid"]: key for key in json.load(open(sys.argv[1], encoding="utf-8"))["keys"]}
faults = {name: fault(open(name, encoding="utf-8").read(), keys) for name in sys.argv[2:]}
for name, found in faults.items():
    print(f"{name}: {found or 'valid'}")
sys.exit(3 if any(faults.values()) else 0)
