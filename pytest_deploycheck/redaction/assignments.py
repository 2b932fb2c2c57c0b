"""Values that are secret for the name they are assigned to, in shell, JSON, YAML, XML, URLs and headers."""

from __future__ import annotations

import re

# Every repetition that can be tried at many places is bounded, so that a hostile line costs no more than its length.
_ESCAPE = r"(?:\\(?:u001b|x1b|033|e)\[[\d;]{0,16}m){0,2}"
"""A terminal sequence that JSON or a shell wrote as text."""

_SUFFIX = (
    r"(?:[_.-]?(?:access[_-]?key|base(?:64)?|hash|id|key|plain|string|text|token|value)){0,2}(?:[_-]?\d{1,3})?"
    r"(?:\[\d{0,3}\])?"
)
_STRONG = (
    r"(?:password|passwd|passphrase|passwort|kennwort|contrase[ñn]a|m[o]t[ _-]de[ _-]passe|secret|credentials?"
    r"|(?:private|signing|encryption|account|master)[ _-]?key"
    r"|(?<=[\w]_)(?:pass|pwd|pw)|(?<=[\w]-)(?:pass|pwd)|(?<=[a-z])(?-i:Pass|Pwd|PWD))"
)
_SHORT = r"(?<![A-Za-z])(?:pass|pwd|pw)"
_WEAK = (
    r"(?:token|api[_-]?key|access[_-]?key|auth[_-]?key|session[_-]?key|cookie|sess(?:ion)?[_-]?id|(?<![A-Za-z])creds"
    r"|(?<![A-Za-z])(?:otp|bearer)|(?<![A-Za-z0-9])_auth)"
)
_END = rf"""\\{{0,7}}["']?\]?{_ESCAPE}"""
"""What may close the name."""

_PREFIX = r"""(?:\\{0,7}["'](?=\\|["'])|[bru]{1,2}(?=["'])|![\w!/-]{1,30}\s{1,4})?"""
"""What may stand before a value: a second quotation mark, a letter of Python, or a tag of YAML."""

_SIGN = rf"""\s{{0,8}}(?:=>|:=|->|!=|={{1,3}}|:){_ESCAPE}\s{{0,8}}{_ESCAPE}{_PREFIX}"""
_PAIR = rf"""[,;\s]{{0,40}}(?:\\{{1,2}}[nrt]){{0,2}}\\{{0,7}}["']?(?:value|val|content)\\{{0,7}}["']?{_SIGN}"""
"""The way from a name to its value: a sign, or the key `value` beside the key `name`."""

_QUOTED = r"""(?:"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|\\{1,7}"(?:(?!\\{1,7}")[^\n])*(?:\\{1,7}")?)"""
_BLOCK = r"[|>][+-]?[ \t]{0,8}\n[ \t]{1,40}[^\n]+"
"""A block scalar of YAML."""

_PLAIN_WORD = r"""(?!arn:aws|(?:true|false|null|none)\b|\\?["'](?:arn:aws))"""
_NAME_IN_TAG = rf"[\w:.-]{{0,40}}?(?:{_STRONG}|{_SHORT}|(?:auth|access|api)[_.-]?(?:token|key)){_SUFFIX}"

_SPELLED = (
    r"(?:password|passwd|passphrase"
    r"|(?-i:(?<![A-Z0-9_])[A-Z0-9]{1,30}_(?:[A-Z0-9]{1,30}_){0,3}(?:PASSWORD|SECRET|TOKEN|KEY)))"
)
"""Names after which a value may stand without a sign."""

_TELLING = r"(?=[^\s\"',;]{0,64}\d)(?=[^\s\"',;]{0,64}[A-Za-z])[^\s\"',;]{8,}"
"""A value that is no word of a sentence: it has digits and letters."""

_CLIENT = (
    r"(?:sshpass|mysql\w{0,8}|mariadb\w{0,8}|mongo\w{0,8}|redis-cli|ldap\w{1,8}"
    r"|(?:docker|podman|helm|oras)\s{1,4}login)"
)
"""Programs that take a password as `-p`, `-a` or `-w`."""

ASSIGNMENT = re.compile(
    rf"""
    (?P<arn>\barn:aws[a-z-]{{0,12}}:secretsmanager:[a-z0-9-]{{1,24}}:\d{{12}}:secret:[\w/+=.@!-]{{1,519}})  # a name
    | (?P<tag><{_NAME_IN_TAG}(?:\s[^<>]{{0,100}})?>\s{{0,40}}(?:<!\[CDATA\[)?
        | \b(?:name|key)=["']{_NAME_IN_TAG}["'][^<>]{{0,60}}>\s{{0,40}}(?:<!\[CDATA\[)?) [^<]{{1,2000}}
    | (?P<before>["'](?:value|val)\\{{0,7}}["']\s{{0,8}}:\s{{0,8}})(?:"[^"\\\n]{{1,500}}"|\\"[^"\\\n]{{1,500}}\\")
        (?=\s{{0,8}},\s{{0,40}}\\{{0,7}}["'](?:name|key)\\{{0,7}}["']\s{{0,8}}:\s{{0,8}}\\{{0,7}}["']
           [\w.-]{{0,60}}?(?:{_STRONG}|{_SHORT}|{_WEAK}))
    | (?P<query>(?:[?&;]|\\u0026|%26)(?:X-(?:Amz|Goog|Oss|Cos)-(?:Signature|Credential|Security-Token)
        |Signature|sig|se?cret|access_token|id_token|refresh_token|AWSAccessKeyId|auth|jwt|code)=)[^&\s"'<>\\]+
    | (?P<signed>\bSignature=)[0-9a-f]{{40,}}
    | (?P<header>\b(?:proxy-)?authorization["']?\s{{0,8}}[:=]\s{{0,8}}["']?[\w-]{{1,20}}\s{{1,8}})\S{{8,}}
    | (?P<bare>\b(?:proxy-)?authorization["']?\s{{0,8}}[:=]\s{{0,8}}["']?){_TELLING}
    | (?P<scheme>\b(?:Bearer|Basic|Token|Digest)\s{{1,8}})(?=[\w.~+/=-]{{0,64}}[\d+/=_-])[\w.~+/=-]{{8,}}
    | (?P<cookie>\b(?:set-)?cookie["']?\s{{0,8}}:\s{{0,8}}\[?["']?[^\s=;,"']{{1,100}}=)
        [^\s;,"']{{1,4000}}(?:;\s{{0,4}}[^\s=;,"']{{1,100}}=[^\s;,"']{{1,4000}}){{0,60}}
    | (?P<oracle>jdbc:oracle:\w{{1,10}}:[^\s/@"']{{1,64}}/)[^\s/@"']{{1,200}}(?=@)
    | (?P<userinfo>://[^\s/:@"']{{0,64}}:)[^\s/"']{{1,200}}(?=@)                       # passwords in URLs
    | (?P<user>://)(?:(?=[^\s/:@"'.]{{0,64}}\d)[^\s/:@"'.]{{8,200}}|[^\s/:@"'.]{{20,200}})(?=@)  # in a user's place
    | (?P<option>--[\w-]{{0,30}}?(?:{_STRONG}|{_WEAK}){_SUFFIX}[ ]{{1,4}})
        (?:{_QUOTED} | (?=[^\s"',;]{{0,64}}\d)[^\s"',;]{{4,}} | [^\s"',;-][^\s"',;]{{15,}})
    | (?P<client>\b{_CLIENT}\b[^\n|;&]{{0,120}}?\s-[paw]\s{{0,4}})(?!\d{{1,5}}\s)[^\s"',;-][^\s"',;]{{3,}}
    | (?P<login>\s(?:-u|--user)[ =]{{1,4}}[^\s:"']{{1,64}}:)[^\s"']{{4,}}
    | (?P<pair>[(\[]\s{{0,8}}["'][\w.-]{{0,60}}?(?:{_STRONG}|{_SHORT}|{_WEAK}|authorization){_SUFFIX}["']
        \s{{0,8}},\s{{0,8}})
        (?:"[^"\s]{{1,2000}}"|'[^'\s]{{1,2000}}')(?=\s{{0,8}}[)\]])
    | (?P<spelled>{_SPELLED}{_SUFFIX}(?:[ \t]{{1,8}}(?:is[ ]|was[ ])?)[\[<(]?)(?:{_QUOTED} | {_PLAIN_WORD}{_TELLING})
    # A name that is only used for secrets, or one of the short ones where a quote or `=` shows that it is a name.
    | (?P<named>{_STRONG}{_SUFFIX}{_END}(?:{_SIGN}|{_PAIR})
        | {_SHORT}(?:\\{{0,7}}["']{_ESCAPE}(?:{_SIGN}|{_PAIR}) | {_ESCAPE}\s{{0,2}}={_ESCAPE}\s{{0,2}}))
        {_PLAIN_WORD}(?:{_QUOTED} | {_BLOCK} | (?<==)[^\s"',;]+ | [^\s"',;]{{4,}})
    # A token or key is a common word before a colon too: its value is quoted, has a digit, or is long.
    | (?P<keyed>(?:{_WEAK}{_SUFFIX}{_END}(?:{_SIGN}|{_PAIR})|{_SHORT}{_SIGN})){_PLAIN_WORD}
        (?: \\{{0,7}}"[^"\n]{{8,}}"? | '[^'\n]{{8,}}'? | (?=[^\s"',;]{{0,64}}\d)[^\s"',;]{{6,}} | [^\s"',;]{{20,}} )
    """,
    re.VERBOSE | re.IGNORECASE,
)
KEPT = (
    "tag", "before", "query", "signed", "header", "bare", "scheme", "cookie", "oracle", "userinfo", "user", "option",
    "client", "login", "pair", "spelled", "named", "keyed",
)  # fmt: skip
"""The groups of `ASSIGNMENT` that hold what stays: the name, without its value."""
