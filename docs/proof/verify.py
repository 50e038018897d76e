#!/usr/bin/env python3
"""Checks a Countersign receipt with Python and OpenSSL alone: verify.py receipt.json <key of the log>

Exits with 0 if the receipt is valid, 1 if not, 3 if that can't be told. It counts no witnesses.
"""
import base64, hashlib, json, re, subprocess, sys, tempfile

INVALID = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


def need(good, why):
    if not good:
        raise ValueError(why)


def unique(pairs):
    need(len(dict(pairs)) == len(pairs), "a member is there twice")
    return dict(pairs)


def b64(text, size=None):
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text and size in (None, len(raw)), "not base64 to the letter")
    return raw


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(text):
    need(re.fullmatch(r"0|[1-9][0-9]{0,18}", text) and int(text) < 2**63, "not a number")
    return int(text)


def is_ed25519(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        files = {"key": bytes.fromhex("302a300506032b6570032100") + key, "message": message, "signature": signature}
        for name, content in files.items():
            open(f"{folder}/{name}", "wb").write(content)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key", "-rawin"]
        command += ["-in", "message", "-sigfile", "signature"]
        return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0


def root_of(index, size, node, path):  # RFC 9162, 2.1.3.2
    need(index < size, "the index is not in the tree")
    last = size - 1
    for sibling in path:
        need(last > 0, "the proof is too long")
        if index & 1 or index == last:
            node = sha(b"\1", sibling, node)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = sha(b"\1", node, sibling)
        index, last = index >> 1, last >> 1
    need(last == 0, "the proof is too short")
    return node


def follows(kind, facts, policy):  # whether the outcome follows from the answers and the policy
    story, auto = facts["story"], (policy.get("auto") or {}).get("answer")
    said = lambda answer: [one for one in story["answers"] if one["answer"] == answer]
    elsewhere = policy.get("destination") and facts.get("destination") == policy["destination"]
    if kind == "request.rejected":
        refused = policy.get("requesterUnknown") is True and policy.get("unknownRequester") == "refuse"
        return auto == "reject" or elsewhere or facts.get("expired") is True or said("reject") or refused
    if facts.get("breakGlass") is True:
        return policy.get("breakGlass") != "forbid"
    if auto == "approve" or elsewhere:
        return True
    if said("reject") and policy.get("rejection") != "never":
        return False
    asks = None if policy.get("selfApproval") is True else story["requester"]
    yes = [one for one in said("approve") if asks is None or asks not in (one["person"], one["for"])]
    places = [n for n, step in enumerate(policy["steps"]) for _ in range(min(step["need"], len(yes) + 1))]
    sits = {}

    def seat(who, seen):  # each person fills one place, and moves where that makes room
        for place, step in enumerate(places):
            if step in yes[who]["steps"] and place not in seen:
                seen.add(place)
                if place not in sits or seat(sits[place], seen):
                    sits[place] = who
                    return True
        return False

    return places and sum(seat(who, set()) for who in range(len(yes))) == len(places)


def verify(text, vkey):
    receipt, doubts = json.loads(text, object_pairs_hook=unique), []
    texts = {"format", "leaf", "content", "policy", "proof"}
    for name, value in receipt.items():
        members = value.values() if name in ("parts", "notBefore") else [value] if name in texts else [None]
        need(all(isinstance(one, str) and one.encode() is not None for one in members), "not a member: " + name)
    need(receipt["format"] == "countersign-receipt-v1", "not a receipt")
    proof, note = receipt["proof"].split("\n\n", 1)
    need(not re.search("[\0-\x09\x0b-\x1f]|^\ufeff", note), "changed by mail or an editor")
    lines = proof.split("\n")
    need(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a proof")
    if lines[0].startswith("extra "):
        b64(lines.pop(0)[6:])
    need(lines[0].startswith("index "), "no index")
    index, path = number(lines.pop(0)[6:]), [b64(line, 32) for line in lines]
    head, signatures = note.rsplit("\n\n", 1)
    origin, size, root = head.split("\n")
    signed = []
    for line in signatures.removesuffix("\n").split("\n"):
        name, signature = re.fullmatch("\u2014 ([^\\s+]+) (\\S+)", line).groups()
        if vkey and [name, b64(signature)[:4].hex()] == vkey.split("+", 2)[:2]:
            key = b64(vkey.split("+", 2)[2], 33)
            need(key[0] == 1 and sha(f"{name}\n".encode(), key)[:4] == b64(signature)[:4], "not the key's ID")
            need(is_ed25519(key[1:], f"{head}\n".encode(), b64(signature)[4:]), "the signature is wrong")
            need(name == origin, "the key that signed it is another log's")
            signed.append(name)
    if not signed:
        doubts.append("the log's key is not the one that was given")
    leaf, parts = receipt["leaf"], receipt["parts"]
    need(root_of(index, number(size), sha(b"\0", leaf.encode()), path) == b64(root, 32), "the leaf is not in the tree")
    form, _, subject, _, at, kind, _, *digests = leaf.split("\n")
    need(form == "countersign-leaf-v1" and len(digests) == 4, "not an event")
    shown, digests = {}, dict(zip(["facts", "people", "words", "origin"], digests))
    for name, part in parts.items():
        need(digests[name] != "-", "a part is there that is empty")
        if part != "erased":
            need(sha(part.encode()).hex() == digests[name], f"not the part that was logged: {name}")
            label, called, _, value = part.split("\n", 3)
            need(label == "countersign-part-v1" and called == name, "not a part")
            shown[name] = json.loads(value, object_pairs_hook=unique)
    facts, policy = shown.get("facts"), receipt.get("policy", "erased")
    story = (facts or {}).get("story")
    told = story or facts or {}
    for value, digest in [(receipt.get("content", "erased"), told.get("digest")), (policy, told.get("stamp"))]:
        need(value == "erased" or sha(value.encode()).hex() == digest, "not the content or policy that was decided on")
    answers = story["answers"] if story else []
    to_it = [one["digest"] == told["digest"] and one["revision"] == told["revision"] for one in answers]
    need(all(to_it), "an answer is not to this content")
    need(len({one["person"] for one in answers}) == len(answers), "a person answers twice")
    if kind in ("request.approved", "request.rejected"):
        if facts is None or policy == "erased":
            doubts.append("without facts and policy, the answers can't be weighed")
        else:
            need(story and f"request.{facts['status']}" == kind, "the facts tell of another outcome")
            need(follows(kind, facts, json.loads(policy, object_pairs_hook=unique)), "the outcome does not follow")
    print(f"{subject} {kind} at {at} by the clock of {origin}", *map(ascii, shown.values()), sep="\n")
    return doubts


if __name__ == "__main__":
    try:
        undecided = verify(open(sys.argv[1], "rb").read().decode(), sys.argv[2] if len(sys.argv) > 2 else "")
        print("Undecided: " + "; ".join(undecided) if undecided else "Valid")
        sys.exit(3 if undecided else 0)
    except INVALID as problem:
        print("Not valid:", ascii(str(problem)))
        sys.exit(1)
