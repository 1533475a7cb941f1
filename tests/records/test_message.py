"""The inside of `msg='…'`, and words in front of the first field."""

import pytest

from laurel_mp.records.fields import parse
from laurel_mp.records.message import field_members, render_message, split_message, split_preface


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"uid=0 msg='op=x'", (b"uid=0 ", b"op=x")),
        (b"msg='op=x'", (b"", b"op=x")),
        (b"uid=0 msg=''", (b"uid=0 ", b"")),
        (b"msg='a='b c' g='h''", (b"", b"a='b c' g='h'")),
        (b"msg='x' msg='y'", (b"", b"x' msg='y")),
        (b"uid=0 data=6C73", (b"uid=0 data=6C73", None)),
        (b"xmsg='a b'", (b"xmsg='a b'", None)),
        (b"xmsg='a' msg='b'", (b"xmsg='a' ", b"b")),
    ],
)
def test_the_message_ends_at_the_last_quote(
    body: bytes, expected: tuple[bytes, bytes | None]
) -> None:
    """Text in front of it is the kernel's, all text inside is the sender's."""
    assert expected == split_message(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"uid=0 msg='op=x uid=1 acct=\"ro", b'op=x uid=1 acct="ro'),
        (b"uid=0 msg='op='a b' uid=1", b"op='a b' uid=1"),
        (b"uid=0 msg='", b""),
    ],
)
def test_a_message_that_was_cut_off_extends_to_the_end(body: bytes, expected: bytes) -> None:
    """Auditd 4.2 cuts the last bytes: nothing of the sender's gets among the kernel's fields."""
    assert (b"uid=0 ", expected) == split_message(body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'op=PAM:x acct="root" exe=2F61 res=success',
         b'{"op":"PAM:x","acct":"root","exe":"/a","res":"success"}'),
        (b'op=adding user acct="bob smith"', b'{"op":"adding user","acct":"bob smith"}'),
        (b"a='b c' d=\"e f\" g='h'", b'{"a":"b c","d":"e f","g":"h"}'),
        (b"  op=t6   spaces   x=1  ", b'{"op":"t6   spaces","x":"1"}'),
        (b"uid=0 uid=1", b'{"uid":[0,1]}'),
        (b'x="y" and more', b'{"x":"y","UNPARSED":"and more"}'),
        (b'avc:  denied  { send_msg } for msgtype=method_call exe="/b" sauid=81',
         b'{"denied":["send_msg"],"msgtype":"method_call","exe":"/b","sauid":81}'),
        (b"a\x1d\x07=1 b=\xff", b'{"b":"%ff","UNPARSED":"a%1d%07=1"}'),
        (b"hello world", b'{"UNPARSED":"hello world"}'),
        (b"unbalanced 'x\" ", rb"""{"UNPARSED":"unbalanced 'x\""}"""),
        (b"", b"{}"),
        (b'avc:  received policyload notice (seqno=2)  exe="/usr/bin/dbus-daemon" sauid=81 addr=?',
         (b'{"exe":"/usr/bin/dbus-daemon","sauid":81,"addr":null,'
         b'"UNPARSED":"avc:  received policyload notice (seqno=2)"}')),
        (b"pam: default-context=a selected-context=? res=success",
         b'{"default-context":"a","selected-context":null,"res":"success","UNPARSED":"pam:"}'),
        (b'changing system time exe="/usr/sbin/hwclock" res=success',
         b'{"exe":"/usr/sbin/hwclock","res":"success","UNPARSED":"changing system time"}'),
        ((b'PAM: session open acct="root" : exe="/usr/sbin/sshd" (hostname=?, addr=10.0.0.1,'
         b" terminal=ssh res=success)"),
         (b'{"acct":"root","exe":"/usr/sbin/sshd","hostname":null,"addr":"10.0.0.1",'
         b'"terminal":"ssh","res":"success","UNPARSED":"PAM: session open"}')),
        (b"op=login acct=root : exe=/bin/su (hostname=a, addr=?, terminal=? res=failed)",
         (b'{"op":"login","acct":"root","exe":"/bin/su","hostname":"a","addr":null,'
         b'"terminal":null,"res":"failed"}')),
        (b'avc:  denied  { send_msg } for tclass=dbus : exe="?" (sauid=81, hostname=?, terminal=?)',
         (b'{"denied":["send_msg"],"tclass":"dbus","exe":"?","sauid":81,"hostname":null,'
         b'"terminal":null}')),
        (b'op=x comment="a, b :" res=ok (y)',
         b'{"op":"x","comment":"a, b :","res":"ok (y)"}'),
    ],
)  # fmt: skip
def test_messages(text: bytes, expected: bytes) -> None:
    """Always an object; words that belong to no key stand beside the fields."""
    assert expected == render_message(text, b"UNPARSED")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b"avc:  denied  { read write } for  pid=1",
            ([(b"denied", b'["read","write"]')], b"pid=1"),
        ),
        (b"avc:  granted  { setuid } for  pid=1", ([(b"granted", b'["setuid"]')], b"pid=1")),
        (b"avc:  denied  {  } for  pid=1", ([(b"denied", b"[]")], b"pid=1")),
        (b"tty pid=1", ([], b"pid=1")),
        (b"user pid=1", ([], b"pid=1")),
        (b"policy loaded auid=1", ([], b"auid=1")),
        (b"netlabel: auid=1", ([(b"netlabel", b"null")], b"auid=1")),
        (b"netlabel:", ([], b"netlabel:")),
        (b"tty=pts0 pid=1", ([], b"tty=pts0 pid=1")),
    ],
)
def test_prefaces(body: bytes, expected: tuple[list[tuple[bytes, bytes]], bytes]) -> None:
    """Permissions become a list, `netlabel` a key without a value; other words are skipped."""
    assert expected == split_preface(body)


def test_stray_words_are_kept_together() -> None:
    """Words that belong to no field have one key, behind the fields."""
    expected = [(b"a", b'"x"'), (b"b", b'"y"'), (b"REST", b'"one two three"')]

    assert expected == field_members(parse(b'one a="x" two three b="y"'), b"REST")
