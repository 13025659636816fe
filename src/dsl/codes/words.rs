//! Codes 19–29: words, numbers and quotes as other languages write them.

use super::{PLATFORM, WEB, shown};

catalogue! {
    MISSING_SPACE = 19, "Two values without a space between them",
    "Values and properties are separated by spaces. Without one it cannot be told where the first ends.",
    shown(
        &[(PLATFORM, "tenant depot {\n  owner \"depot@shop.example\"; member ana role=\"admin\"kind=user\n}\n")],
        &[(PLATFORM, "tenant depot {\n  owner \"depot@shop.example\"; member ana role=\"admin\" kind=user\n}\n")],
    );

    KDL1_KEYWORD = 20, "A keyword of KDL 1",
    "KDL 2 writes `#true`, `#false` and `#null`; the bare words were keywords in KDL 1 and are nothing today. \
     Write the `#`, or put the word in quotes if the text is meant.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  security { api-token true }\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  security { api-token #true }\n}\n")],
    );

    BARE_UNIT = 21, "A bare word that starts with a digit",
    "Only plain numbers start with a digit outside of quotes. An amount with a unit, a time, a share or a \
     version is a text: put it in quotes.",
    shown(
        &[(PLATFORM, "tenant depot {\n  quota memory=16Gi\n}\n")],
        &[(PLATFORM, "tenant depot {\n  quota memory=\"16Gi\"\n}\n")],
    );

    BARE_PATH = 22, "A bare word with a `/`",
    "A `/` outside of quotes may start a comment or remove a part, so a bare word cannot hold one. \
     Put paths, images and URLs in quotes.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image registry.example/shop\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image \"registry.example/shop\"\n  version \"1.0.0\"\n}\n")],
    );

    BAD_NUMBER = 23, "A number that cannot be read",
    "A number has digits on both sides of its point and only digits of its base: `0x` takes 0–9 and a–f, \
     `0o` takes 0–7, `0b` takes 0 and 1. Put it in quotes if it is no number at all.",
    shown(
        &[(PLATFORM, "tenant depot {\n  quota cpu=.5\n}\n")],
        &[(PLATFORM, "tenant depot {\n  quota cpu=0.5\n}\n")],
    );

    FOREIGN_PUNCTUATION = 24, "A comma or colon as in JSON or YAML",
    "KDL puts spaces between values and nothing between a name and its value: `owner \"a@b\"`, not `owner: \"a@b\"`. \
     Remove the sign, or put it in quotes if it is part of a text.",
    shown(
        &[(PLATFORM, "tenant depot {\n  owner: \"depot@shop.example\"\n}\n")],
        &[(PLATFORM, "tenant depot {\n  owner \"depot@shop.example\"\n}\n")],
    );

    WRONG_QUOTES = 25, "Quotes that are not `\"`",
    "A text stands in straight double quotes. Single quotes, backticks and the curly quotes of word processors \
     are ordinary characters or nothing.",
    shown(
        &[(PLATFORM, "tenant depot {\n  owner 'depot@shop.example'\n}\n")],
        &[(PLATFORM, "tenant depot {\n  owner \"depot@shop.example\"\n}\n")],
    );

    FOREIGN_COMMENT = 26, "A comment as in YAML or shell",
    "KDL starts a comment with `//`; a `#` starts a keyword such as `#true` or a raw text.",
    shown(
        &[(PLATFORM, "# the depot\ntenant depot\n")],
        &[(PLATFORM, "// the depot\ntenant depot\n")],
    );

    BAD_ESCAPE = 27, "An escape that KDL does not know",
    "Inside of quotes a `\\` starts an escape: \\n \\r \\t \\b \\f \\s \\\" \\\\ and \\u{…}. For a real `\\` write \
     two of them, or a raw text `#\"…\"#`, which is good for patterns and Windows paths.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args \"--match=\\d+\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args #\"--match=\\d+\"#\n}\n")],
    );

    BAD_FENCE = 28, "A text over several lines with a wrong form",
    "Text between two `\"\"\"` starts on the line behind the first and ends on the line before the second, \
     whose indentation is taken off every line.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args \"\"\"first\n    second\n    \"\"\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args \"\"\"\n    first\n    second\n    \"\"\"\n}\n")],
    );

    BRACKET_LIST = 29, "A list in brackets",
    "KDL has no lists in brackets. A list is written as values behind each other, or as several nodes of the \
     same name.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args [\"--verbose\", \"--port\"]\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image i\n  version \"1.0.0\"\n  args \"--verbose\" \"--port\"\n}\n")],
    );
}
