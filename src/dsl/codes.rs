//! The catalogue of error codes: what each means, with one example that fails and one that does not.
//!
//! `explain`, the reference and the tests read the same table. A code is never reused.
//!
//! | range | about |
//! |---|---|
//! | 1–29 | limits and syntax of one file |
//! | 100–199 | the form of a node |
//! | 200–299 | one field against the schema |
//! | 300–399 | composing: let, profile, use, in |
//! | 400–499 | names, references, ownership, tree |
//! | 500–599 | rules across the fields of a kind |
//! | 600–699 | rendering |
//! | 700–799 | dangers and refusals of a plan |
//! | 800–899 | cluster and API server |
//! | 900–999 | workers, Git, forges |

use super::diagnostic::Code;

/// A file over the size limit.
pub const FILE_TOO_LARGE: Code = Code(1);
/// Blocks nested too deep.
pub const TOO_DEEP: Code = Code(2);
/// Too many tokens in one file.
pub const TOO_MANY_TOKENS: Code = Code(3);
/// `/-` inside a part that `/-` already removes, or twice in a row.
pub const NESTED_SLASHDASH: Code = Code(4);
/// A string over the size limit.
pub const STRING_TOO_LONG: Code = Code(5);
/// A comment that is never closed.
pub const OPEN_COMMENT: Code = Code(10);
/// A `}` without its `{`.
pub const STRAY_CLOSE: Code = Code(11);
/// A string that is never closed.
pub const OPEN_STRING: Code = Code(12);
/// A character that must be inside quotes.
pub const NEEDS_QUOTES: Code = Code(13);
/// A block that is never closed.
pub const OPEN_BLOCK: Code = Code(14);
/// Any other syntax error.
pub const SYNTAX: Code = Code(15);
/// An invisible or direction-changing character.
pub const INVISIBLE: Code = Code(16);
/// A bare word of letters that look alike but belong to different scripts.
pub const MIXED_SCRIPT: Code = Code(17);
/// A raw string in the form of KDL 1.
pub const KDL1_RAW_STRING: Code = Code(18);
/// Two values without a space between them.
pub const MISSING_SPACE: Code = Code(19);
/// A keyword of KDL 1.
pub const KDL1_KEYWORD: Code = Code(20);
/// A bare word that starts with a digit, such as `512Mi`.
pub const BARE_UNIT: Code = Code(21);
/// A bare word with a `/`.
pub const BARE_PATH: Code = Code(22);
/// A number that cannot be read.
pub const BAD_NUMBER: Code = Code(23);
/// A comma or colon as in JSON or YAML.
pub const FOREIGN_PUNCTUATION: Code = Code(24);
/// Quotes that are not `"`.
pub const WRONG_QUOTES: Code = Code(25);
/// A comment as in YAML or shell.
pub const FOREIGN_COMMENT: Code = Code(26);
/// An escape that KDL does not know.
pub const BAD_ESCAPE: Code = Code(27);
/// A string between `"""` fences with a wrong form.
pub const BAD_FENCE: Code = Code(28);
/// A list in brackets.
pub const BRACKET_LIST: Code = Code(29);
