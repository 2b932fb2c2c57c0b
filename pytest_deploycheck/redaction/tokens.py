"""Tokens that are known by their shape: a vendor's prefix and a body of random characters.

The prefixes are those that the vendors document; the list of vendors follows the rules of gitleaks
(https://github.com/gitleaks/gitleaks, config/gitleaks.toml) and of GitHub's secret scanning
(https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).
"""

from __future__ import annotations

import re

_BOUNDARY = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=[\d;\[]m))"
"""The start of a token: no letter or digit before it, or one that ends an escape of JSON, of a URL or of a terminal."""

# A repetition either ends the pattern, so that the text it matched is not searched again, or it is bounded.
_SHAPES = (
    r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])",  # AWS access keys
    r"ABSK[A-Za-z0-9+/]{40,}={0,2}",  # Amazon Bedrock
    r"eyJ[\w+/=-]{17,}(?:\.[\w+/=-]{4,}){0,4}",  # JSON in base64: JSON web tokens, Grafana, registry tokens
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}",
    r"gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[\w.-]{16,}|GR1348941[\w-]{16,}",  # GitLab
    r"(?:xox[a-z]|xoxe\.xox[a-z])-[\w.-]{10,}|xapp-\d-[\w-]{10,}",  # Slack
    r"(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}",  # Stripe
    r"sk-[\w-]{20,}",  # OpenAI, Anthropic and others that follow them
    r"(?:hf|gsk|r8|xai|tvly|nvapi|pplx|fw|jina)[_-][A-Za-z0-9_-]{24,}",  # other model vendors
    r"(?:npm|nfp|ntn|fio-u|rdme|pul|tfp|sbp|pnu|bkua|bkpt|ico|tskey|lin_api|lin_oauth|rubygems|cio|ops)[_-][\w-]{20,}",
    r"pypi-[\w-]{16,}|dckr_[po]at_[\w-]{16,}|CLOJARS_[a-z0-9]{40,}|AKCp[A-Za-z0-9]{40,}",  # package registries
    r"AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{30,}",  # Google
    r"SG\.[\w-]{10,64}\.[\w-]{10,}|xkeysib-[\w-]{32,}|key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}",  # mail senders
    r"(?:AC|SK)[0-9a-f]{32}(?![0-9a-f])",  # Twilio
    r"hv[sbr]\.[\w-]{16,}|[\w-]{14}\.atlasv1\.[\w-]{40,}",  # HashiCorp
    r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}|dt0[a-z]\d\d\.[A-Z0-9]{20,30}\.[A-Z0-9]{20,}",  # Doppler, Dynatrace
    r"do[opr]_v1_[0-9a-f]{32,}|dapi[0-9a-f]{32}(?:-\d)?|HRKU-[\w-]{30,}|FlyV1\s{1,2}fm\d_[\w+/=,-]{20,}|v1\.0-[0-9a-f-]{60,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{20,}|sq0[a-z]{3}-[\w-]{20,}|shippo_(?:live|test)_[0-9a-f]{30,}",  # shops
    r"sntry[su]_[\w+/=-]{20,}|NR(?:AK|JS|II|RA)-[\w-]{16,}|gl(?:sa|c)_[\w+/=]{20,}|PMAK-[\w-]{20,}",  # observability
    r"AT(?:ATT3|CTT3|BB)[\w=-]{20,}|CFPAT-[\w-]{30,}|pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}",
    r"pscale_(?:tkn|pw|oauth)_[\w.=-]{20,}|sb_secret_[\w-]{16,}|AGE-SECRET-KEY-1[A-Z0-9]{40,}|sha256~[\w-]{40,}",
    r"\d{8,10}:AA[\w-]{30,}|EAA[A-Za-z0-9]{60,}|LTAI[A-Za-z0-9]{16,}|(?:EZAK|EZTK|FLWSECK)[\w-]{20,}",
    r"access-(?:sandbox|development|production)-[0-9a-f-]{36}|[MNO][A-Za-z0-9]{23,27}\.[\w-]{6}\.[\w-]{27,}",
    r"\$(?:apr1|[1256]|2[abxy]|y|argon2\w{1,2})\$[\w./$=,+-]{16,}",  # hashes of passwords
    r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/+-]{8,}",
    r"discord(?:app)?\.com/api/webhooks/\d{1,24}/[\w-]{16,}|[a-z0-9-]{1,60}\.webhook\.office\.com/webhookb2/[\w@/-]{20,}",
    # A line of a PEM or SSH key that stands by itself: 64, 70 or 76 characters of base64 that are not a digest.
    r"(?<![\w+/=.-])(?=[a-f0-9]{0,63}[A-Zg-z+/])(?=[^A-Z]{0,75}[A-Z])(?=[^0-9]{0,75}[0-9])"
    r"(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{64})(?![\w+/=.-])",
)

TOKEN = re.compile(f"{_BOUNDARY}(?:{'|'.join(_SHAPES)})", re.ASCII)
