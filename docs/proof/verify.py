#!/usr/bin/env python3
"""verify.py receipt.json <key of the log>: was the event of a Countersign receipt signed and logged?

It needs Python and OpenSSL, no more. It doesn't say "approved", because it doesn't weigh the answers, and it doesn't
look at witnesses, "notBefore" and "epochs": `countersign verify` does, and /verify does but for the last.
Exits with 0 if the event was signed and logged, with 1 if the receipt isn't valid, with 3 if it can't tell, as with
another log's key.
"""
import base64, hashlib, json, re, subprocess, sys, tempfile

INVALID = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
TEXTS, GROUPS = {"format", "leaf", "content", "policy", "proof", "epochs"}, {"parts", "notBefore"}


def need(good, why):
    if not good:
        raise ValueError(why)
    return good


def unique(pairs):
    need(len(dict(pairs)) == len(pairs), "a member is there twice")
    return dict(pairs)


def read(text):
    return json.loads(text, object_pairs_hook=unique)


def b64(text, size=None):
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text and size in (None, len(raw)), "not base64 to the letter")
    return raw


def number(text):
    return int(need(re.fullmatch("0|[1-9][0-9]{0,18}", text) and int(text) < 2**63 and text, "not a number"))


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def is_ed25519(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        der = bytes.fromhex("302a300506032b6570032100") + key
        for name, content in ("key", der), ("in", message), ("sig", signature):
            open(f"{folder}/{name}", "wb").write(content)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in in -sigfile sig"
        run = subprocess.run(command.split(), cwd=folder, capture_output=True)
        if run.returncode and b"Verification Failure" not in run.stdout + run.stderr:
            raise OSError("OpenSSL can't verify Ed25519 here: " + ascii(run.stderr.decode()))
        return run.returncode == 0


def root_of(index, size, node, path):  # RFC 9162, 2.1.3.2
    need(index < size, "the index is not in the tree")
    last = size - 1
    for sibling in path:
        need(last > 0, "the proof is too long")
        is_right = index & 1 or index == last
        node = sha(b"\1", sibling, node) if is_right else sha(b"\1", node, sibling)
        while is_right and index and not index & 1:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    need(last == 0, "the proof is too short")
    return node


def verify(text, vkey):
    receipt = read(text)
    for name, value in receipt.items():
        texts = value.values() if name in GROUPS else [value] if name in TEXTS else [None]
        need(all(isinstance(one, str) and one.encode() is not None for one in texts), "not a member: " + name)
    need(receipt["format"] == "countersign-receipt-v1", "not a receipt")
    (top, note), leaf, parts = receipt["proof"].split("\n\n", 1), receipt["leaf"], receipt["parts"]
    need(not re.search("[\0-\x09\x0b-\x1f]|^\ufeff", note), "changed by mail or an editor")
    label, extra, index, path = re.fullmatch(r"(.*)\n(?:extra (\S+)\n)?index (.*)((?:\n.*)*)", top).groups()
    need(label == "c2sp.org/tlog-proof@v1" and b64(extra or "") is not None, "not a proof")
    head, lines = note.rsplit("\n\n", 1)
    origin, size, root = head.split("\n")
    leaf_hash, signed = sha(b"\0", leaf.encode()), False
    is_in = root_of(number(index), number(size), leaf_hash, [b64(one, 32) for one in path.split("\n")[1:]])
    need(is_in == b64(root, 32), "the leaf is not in the tree")
    need(lines.endswith("\n"), "not a note")
    for line in lines[:-1].split("\n"):
        name, signature = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line).groups()
        if vkey and [name, b64(signature)[:4].hex()] == vkey.split("+", 2)[:2]:
            key = b64(vkey.split("+", 2)[2], 33)
            need(key[0] == 1 and sha(f"{name}\n".encode(), key)[:4] == b64(signature)[:4], "not the key's ID")
            signed = need(is_ed25519(key[1:], f"{head}\n".encode(), b64(signature)[4:]), "the signature is wrong")
            need(name == origin, "the key that signed it is another log's")
    form, _, subject, _, at, kind, _, *digests = leaf.split("\n")
    need(form == "countersign-leaf-v1" and len(digests) == 4, "not an event")
    shown, digests = {}, dict(zip(["facts", "people", "words", "origin"], digests))
    for name, part in parts.items():
        need(digests[name] != "-", "a part is there that is empty")
        if part != "erased":
            need(sha(part.encode()).hex() == digests[name], f"not the part that was logged: {name}")
            label, called, _, value = part.split("\n", 3)
            need(label == "countersign-part-v1" and called == name, "not a part")
            shown[name] = read(value)
    facts = shown.get("facts", {})
    for name, digest in ("content", "digest"), ("policy", "stamp"):
        value = receipt.get(name, "erased")
        expected = facts.get("story", facts).get(digest)
        need(value == "erased" or sha(value.encode()).hex() == expected, f"not the {name} that was decided on")
    print(*map(ascii, [f"{subject} {kind} at {at} by the clock of {origin}", *shown.values()]), sep="\n")
    return [] if signed else ["the log's key is not the one that was given"]


if __name__ == "__main__":
    try:
        undecided = verify(open(sys.argv[1], "rb").read().decode(), sys.argv[2] if len(sys.argv) > 2 else "")
        print("Undecided: " + undecided[0] if undecided else "Signed and logged; the answers were not weighed.")
        sys.exit(3 if undecided else 0)
    except INVALID as problem:
        print("Not valid:", ascii(str(problem)))
        sys.exit(1)
    except OSError as problem:
        print("Undecided:", ascii(str(problem)))
        sys.exit(3)
