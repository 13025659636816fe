//! Codes 1–18: limits of one file, and text that is not KDL.

use super::Example::Unshown;
use super::{PLATFORM, WEB, shown};

catalogue! {
    FILE_TOO_LARGE = 1, "A file over the size limit",
    "A file has at most 1 MiB, so that one file can never slow the reading of all others. \
     The order of files and of top-level nodes never matters: split it, one resource per file reads best.",
    Unshown("the file would have to be larger than 1 MiB");

    TOO_DEEP = 2, "Blocks nested too deep",
    "Blocks may be nested 32 levels deep. No kind needs more than a few levels, so a deeper file is \
     most often one where a `}` is missing. Check that each `}` stands where it belongs.",
    Unshown("it takes 33 blocks inside each other");

    TOO_MANY_TOKENS = 3, "Too many words and signs in one file",
    "A file may hold 100,000 words and signs. Split it: the order of files and of top-level nodes never matters.",
    Unshown("it takes more than 100,000 words");

    NESTED_SLASHDASH = 4, "`/-` inside a part that `/-` already removes",
    "`/-` removes the node, value or block behind it with all that it holds. A second `/-` inside of it \
     or right behind it changes nothing, and a reader cannot tell what was meant. Remove the inner one.",
    shown(
        &[(PLATFORM, "/-tenant ghost {\n  /-namespace core\n}\n")],
        &[(PLATFORM, "/-tenant ghost {\n  namespace core\n}\n")],
    );

    STRING_TOO_LONG = 5, "A text over the size limit",
    "One text in quotes may have 64 KiB. Longer content belongs in a file of its own: name that file, \
     as in `file \"checkout.toml\" from=\"files/checkout.toml\"`.",
    Unshown("the text would have to be longer than 64 KiB");

    OPEN_COMMENT = 10, "A comment that is never closed",
    "A comment that starts with `/*` goes on to its `*/`, and such comments nest: each `/*` needs its own \
     `*/`. Everything behind it would be lost. Close it, or comment single lines with `//`.",
    shown(
        &[(PLATFORM, "/* teams that left\ntenant former\n")],
        &[(PLATFORM, "/* teams that left */\ntenant former\n")],
    );

    STRAY_CLOSE = 11, "A `}` without its `{`",
    "This `}` closes a block that was never opened. Either its `{` is missing at the end of an earlier line, \
     or a block was closed twice. Remove it, or open the block.",
    shown(
        &[(PLATFORM, "tenant depot {\n  namespace core\n}\n}\n")],
        &[(PLATFORM, "tenant depot {\n  namespace core\n}\n")],
    );

    OPEN_STRING = 12, "A text that is never closed",
    "A text starts and ends with `\"` on the same line. Close it where it ends; \
     text over several lines stands between two `\"\"\"`.",
    shown(
        &[(PLATFORM, "tenant depot {\n  owner \"depot@shop.example\n}\n")],
        &[(PLATFORM, "tenant depot {\n  owner \"depot@shop.example\"\n}\n")],
    );

    NEEDS_QUOTES = 13, "A character that must stand in quotes",
    "Outside of quotes a word is made of letters, digits and a few signs; others have a meaning in KDL, \
     or will have one. Put the whole word in quotes. `${…}` works only inside of quotes, too.",
    shown(
        &[(WEB, "app shop tenant=web {\n  image ${registry}/shop\n  version \"1.0.0\"\n}\n")],
        &[(WEB, "app shop tenant=web {\n  image \"${registry}/shop\"\n  version \"1.0.0\"\n}\n")],
    );

    OPEN_BLOCK = 14, "A block that is never closed",
    "This `{` has no `}`, so everything up to the end of the file would belong to it. \
     Close the block where it ends; the indentation tells which one it is.",
    shown(
        &[(PLATFORM, "tenant depot {\n  namespace core\n")],
        &[(PLATFORM, "tenant depot {\n  namespace core\n}\n")],
    );

    SYNTAX = 15, "Text that is not KDL",
    "A file is a list of nodes: a name, then values and `key=value` behind it, then an optional block in \
     `{ }` on the same line. The message says which part of it does not fit.",
    shown(
        &[(PLATFORM, "tenant depot\n{\n  namespace core\n}\n")],
        &[(PLATFORM, "tenant depot {\n  namespace core\n}\n")],
    );

    INVISIBLE = 16, "A character that nobody sees",
    "Invisible characters and those that turn the direction of text show a reader something else than what \
     the file says. Remove it; inside of quotes it can be written as an escape, as in `\\u{200b}`.",
    shown(
        &[(PLATFORM, "tenant depot\u{200b} {\n  namespace core\n}\n")],
        &[(PLATFORM, "tenant depot {\n  namespace core\n}\n")],
    );

    MIXED_SCRIPT = 17, "A word of letters that look alike",
    "Letters of several scripts in one bare word look like another word: the Cyrillic `а` and the Latin `a` \
     are two characters. Write the word with letters of one script, or in quotes if it is meant.",
    shown(
        &[(PLATFORM, "tenant depot {\n  n\u{430}mespace core\n}\n")],
        &[(PLATFORM, "tenant depot {\n  namespace core\n}\n")],
    );

    KDL1_RAW_STRING = 18, "A raw text in the form of KDL 1",
    "KDL 2 writes a raw text with `#` on both sides and no `r`: `#\"…\"#`. Inside of it a `\\` is a `\\`.",
    shown(
        &[(PLATFORM, "tenant depot {\n  owner r#\"depot@shop.example\"#\n}\n")],
        &[(PLATFORM, "tenant depot {\n  owner #\"depot@shop.example\"#\n}\n")],
    );
}
