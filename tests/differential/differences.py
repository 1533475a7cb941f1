"""Every way in which our output may differ from that of LAUREL 0.5.1 and 0.8.2, and why.

This is the only place, and a table in `docs/migrating.md` is made of it. An entry that explains
nothing any more fails a test, and so does a difference that no entry explains.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.differential import process_conditions as process
from tests.differential import record_conditions as record
from tests.differential import value_conditions as value
from tests.differential.comparing import Change


@dataclass(frozen=True)
class Difference:
    """One allowed difference. All texts are Markdown, for users."""

    name: str
    theirs: str
    """Output of LAUREL."""
    ours: str
    """Output of laurel-mp."""
    reason: str
    applies: Callable[[Change], bool]


BOTH = (
    Difference(
        "types of records that LAUREL does not know",
        '`"UNKNOWN[1999]":[…]`',
        '`"UNKNOWN_1999":[…]`, or the name',
        "Logstash and others refuse brackets in keys",
        record.type_of_an_unknown_record,
    ),
    Difference(
        "hexadecimal numbers without `0x` (FANOTIFY, SOCKETCALL)",
        '`"fan_info":"?","a1":"%ff%ab","a0":"2"`',
        '`"fan_info":"0x3f","a1":"0xffab","a0":"0x2"`',
        "as in other records",
        value.bare_hexadecimal,
    ),
    Difference(
        "exec without arguments (`argc=0 a0=…`)",
        '`"argc":0,"ARGV":["whoami"]`',
        '`"argc":0,"a0":"whoami","ARGV":[]`',
        "the list is empty; the kernel wrote the argument",
        record.no_argument,
    ),
    Difference(
        "names of ids in `msg='…'` with `translate.user-db`",
        "nothing",
        '`"msg":{…,"sauid":81},"SAUID":"messagebus"`',
        "auditd adds them, too, with `log_format = ENRICHED`",
        value.name_within_a_message,
    ),
    Difference(
        "addresses of other families with `translate.universal`",
        '`"saddr":"%11…"`',
        '`"saddr":"%11…","SADDR":{"saddr_fam":"packet"}`',
        "the family is known",
        value.name_of_a_family,
    ),
    Difference(
        "several keys of one rule (`-k a -k b`)",
        '`"key":"a%01b"`',
        '`"key":"a%01b","KEYS":["a","b"]`',
        "filters and labels look at each key",
        process.keys,
    ),
    Difference(
        "failed exec",
        "`EVENT_ID` of `PID` and `PPID` refers to it",
        "`EVENT_ID` refers to the last exec that succeeded, or to the first event of the process",
        "the process still runs its old program",
        process.failed_exec,
    ),
    Difference(
        "numeric fields",
        '`"old":"65536"`',
        '`"old":65536`',
        "decimals in numeric fields are numbers, also in fields that LAUREL does not know",
        value.number_in_quotes,
    ),
    Difference(
        "text of digits only",
        '`"fd0":"%12"`, `"id":"%10%01"`',
        '`"fd0":"12"`, `"id":1001`',
        "only text with a letter among its hexadecimal digits is decoded",
        value.digits_taken_for_hex,
    ),
    Difference(
        "auditd's `SADDR`",
        '`"SADDR":"{saddr_fam=local path=/a}"`',
        '`"SADDR":"{ saddr_fam=local path=/a }"`',
        "translations of auditd stay as they are",
        value.blanks_in_braces,
    ),
    Difference(
        "addresses of unix sockets with `translate.universal`",
        '`"saddr":"%01%00/run/a%00"`',
        '`"SADDR":{"saddr_fam":"local","path":"/run/a"}`',
        "LAUREL decodes them only at full length, 110 bytes",
        value.short_unix_address,
    ),
    Difference(
        "`msg='…'` with words that are no fields",
        '`"msg":"op=a b c"`',
        '`"msg":{"op":"a b c"}`',
        "a field that is text in one event and an object in the next breaks index mappings",
        record.message_as_a_string,
    ),
    Difference(
        "`msg='…'` with quotes inside",
        'cut at the first quote: `"msg":{"op":"a"},"uid":0`',
        'up to the last quote: `"msg":{"op":"a\' uid=0"}`',
        "the sender cannot forge fields behind a quote",
        record.message_cut_at_a_quote,
    ),
    Difference(
        "records with odd words, quotes or braces",
        "nothing, and an error message",
        "the record; words that belong to no field are in `UNPARSED`",
        "no record is lost",
        record.refused,
    ),
    Difference(
        "incomplete events",
        "like others",
        '`"INCOMPLETE":["missing-path"]`',
        "the loss of a record is visible",
        record.incomplete,
    ),
    Difference(
        "names that auditd adds, too, with `translate.user-db`",
        '`"UID":"root","UID":"root"`',
        '`"UID":"root"`',
        "many readers refuse a key that occurs twice",
        value.key_twice,
    ),
    Difference(
        "names of ids of other hosts (lines with `node=`)",
        "this host's names",
        "auditd's translation, if there is one",
        "the ids mean nothing here",
        value.names_of_another_host,
    ),
    Difference(
        "`SYSCALL` in SECCOMP records with `translate.universal`",
        '`"SYSCALL":"unknown-syscall(-1)"`, by auditd',
        '`"SYSCALL":"getppid"`',
        "the record names architecture and system call",
        value.syscall_of_another_record,
    ),
    Difference(
        "`PARENT_INFO`",
        "off by default in 0.5, gone in 0.8",
        '`"PARENT_INFO":{"ID":…,"comm":…,"exe":…,"ppid":…}` by default',
        "`enrich.parent-info = false` switches it off",
        process.parent_info,
    ),
)

OLD_ONLY = (
    Difference(
        "the id -1 with `translate.user-db`",
        '`"AUID":"unknown(-1)"`',
        '`"AUID":"unset"`',
        "-1 is 4294967295 as a signed number",
        value.minus_one,
    ),
    Difference(
        "processes without an exec",
        "neither `EVENT_ID` nor `PARENT_INFO`",
        "`EVENT_ID` refers to the first event of the process",
        "as LAUREL 0.8",
        process.first_event_starts_an_instance,
    ),
    Difference(
        "`SPAWNED_BY`",
        "nothing",
        '`"SPAWNED_BY":{"EVENT_ID":…,"pid":…,"comm":…,"exe":…}`',
        "as LAUREL 0.8",
        process.spawned_by,
    ),
    Difference(
        "program of the parent in `PPID`",
        '`"PPID":{"EVENT_ID":…,"comm":…,"exe":…,"ppid":…}`',
        '`"PPID":{"EVENT_ID":…}`',
        "as LAUREL 0.8: `enrich.ppid-verbose = true` adds the rest",
        process.terse_ppid,
    ),
    Difference(
        "`pid` and `ppid` in other records than SYSCALL",
        "nothing",
        '`"PID":{"EVENT_ID":…,"comm":…,"exe":…,"ppid":…}`',
        "these records have no other context",
        process.process_of_another_record,
    ),
    Difference(
        "empty arguments in process titles",
        '`"ARGV":["a%00%00b"]`',
        '`"ARGV":["a","","b"]`',
        "each NUL byte separates arguments",
        value.empty_word,
    ),
)

NEW_ONLY = (
    Difference(
        "`SPAWNED_BY` after a failed exec",
        "refers to the failed exec",
        "refers to the program that called fork, or that ran before",
        "the process still runs its old program",
        process.failed_exec_spawned,
    ),
    Difference(
        "program file deleted while it runs",
        "a new `EVENT_ID`, as the kernel adds ` (deleted)` to `exe`",
        "the same `EVENT_ID` as before",
        "the process still runs its old program",
        process.deleted_program,
    ),
    Difference(
        "`pid` in `SPAWNED_BY`",
        '`"SPAWNED_BY":{…,"pid":1,…,"pid":1}`',
        '`"SPAWNED_BY":{…,"pid":1,…}`',
        "many readers refuse a key that occurs twice",
        process.spawner_twice,
    ),
    Difference(
        "`pid` and `ppid` in other records than SYSCALL",
        '`"PID":{"EVENT_ID":…}`',
        '`"PID":{"EVENT_ID":…,"comm":…,"exe":…,"ppid":…}`',
        "these records have no other context",
        process.bare_process_of_another_record,
    ),
    Difference(
        "`?` at the end of a message",
        '`"terminal":"?"`',
        '`"terminal":null`',
        "as at other places",
        value.question_mark,
    ),
    Difference(
        "messages that begin with a word and a colon",
        '`"msg":{"pam":"default-context=a",…}`',
        '`"msg":{"default-context":"a",…,"UNPARSED":"pam:"}`',
        "fields behind the word keep their names",
        record.word_with_a_colon,
    ),
    Difference(
        "values of `msg='…'` in quotes, with blanks",
        '`"acct":"\\"bob smith\\""`',
        '`"acct":"bob smith"`',
        "as values without blanks",
        value.quoted_blank,
    ),
    Difference(
        "blanks before the last quote of `msg='…'`",
        '`"op":"a "`',
        '`"op":"a"`',
        "blanks between fields are no text",
        value.blank_at_the_end,
    ),
    Difference(
        "permissions in USER_AVC",
        '`"avc":"denied  { send_msg } for"`',
        '`"denied":["send_msg"]`',
        "as in AVC records",
        record.access_vector,
    ),
    Difference(
        "`enrich.prefix`",
        '`"added_arch":…`, but `"ARGV":…`, `"SPAWNED_BY":…`, `"SADDR":…`',
        '`"added_arch":…`, `"added_argv":…`, `"added_spawned_by":…`, `"added_saddr":…`',
        "the prefix is for all added keys",
        value.no_prefix,
    ),
    Difference(
        "`execve-argv-limit-bytes`",
        "cuts between arguments only; without a mark at the end",
        "cuts inside one argument, too, and always marks it",
        "the limit holds for any list",
        value.cut_arguments,
    ),
)

DIFFERENCES = {"0.5.1": BOTH + OLD_ONLY, "0.8.2": BOTH + NEW_ONLY}
"""All entries by LAUREL's version."""


def explain(change: Change) -> str | None:
    """The name of the first entry that allows `change`."""
    for difference in DIFFERENCES[change.comparison.version]:
        if difference.applies(change):
            return difference.name
    return None
