//! Reads a template of Go as far as needed to see what it is made of: whether its actions end, and which
//! of the keys that are fetched it names. What the functions in it do is left to External Secrets.

use crate::dsl::check::closest;
use crate::names::Name;

/// Actions after which `.` is something else than what is fetched.
const MOVE: &[&str] = &["range", "with", "define", "template", "block"];

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It has no action, so that everybody who reads the repository knows the value.
    Literal,
    /// An action does not end.
    Open,
    /// An action is empty.
    Empty,
    /// A key with a dash in it, where a dash means minus.
    Dashed(String),
    /// A key that is not fetched.
    Unknown {
        /// The key.
        key: String,
    },
}

impl Fault {
    pub(super) fn message(&self, secret: &Name) -> String {
        match self {
            Self::Literal => format!("this value of secret `{secret}` stands in clear text in Git"),
            Self::Open => "`{{` without `}}` behind it".to_owned(),
            Self::Empty => "`{{ }}` with nothing in it".to_owned(),
            Self::Dashed(key) => format!("templates read `.{key}` as a subtraction"),
            Self::Unknown { key } => format!("secret `{secret}` does not fetch `{key}`"),
        }
    }

    pub(super) fn help(&self, fetched: Option<&[&str]>) -> String {
        match self {
            Self::Literal => {
                "fetch it from the store and write `{{ .KEY }}`; where it is no secret, say so with `{{ \"…\" }}`".to_owned()
            }
            Self::Open => "end the action with `}}`; for the characters themselves write `{{ \"{{\" }}`".to_owned(),
            Self::Empty => "name what stands here, as in `{{ .password }}`".to_owned(),
            Self::Dashed(key) => format!("write `{{{{ index . \"{key}\" }}}}`, or give the key another name with `key NAME property=…`"),
            Self::Unknown { key } => {
                let known = fetched.unwrap_or_default();
                match closest(key, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("it fetches {}; add the key to `keys`", known.join(", ")),
                }
            }
        }
    }
}

/// Everything that is wrong with a template, given the keys that are fetched if they are known.
pub(super) fn faults(text: &str, fetched: Option<&[&str]>) -> Vec<Fault> {
    let Some(actions) = actions(text) else {
        return vec![Fault::Open];
    };
    let speaking: Vec<&Action> = actions.iter().filter(|action| !action.comment).collect();
    if speaking.is_empty() {
        return vec![Fault::Literal];
    }
    let mut faults: Vec<Fault> =
        speaking.iter().filter(|action| action.tokens.is_empty()).map(|_| Fault::Empty).collect();
    let moves = speaking.iter().any(|action| matches!(action.tokens.first(), Some(Token::Word(w)) if MOVE.contains(&w.as_str())));
    for action in speaking {
        for named in named(&action.tokens) {
            let fault = match named {
                Named::Dashed(key) => Fault::Dashed(key),
                Named::Key(key, from_root) => {
                    let known = fetched.is_none_or(|all| all.contains(&key.as_str()));
                    if known || moves && !from_root {
                        continue;
                    }
                    Fault::Unknown { key }
                }
            };
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    faults
}

/// What stands between two pairs of braces.
struct Action {
    comment: bool,
    tokens: Vec<Token>,
}

/// A part of an action.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// `.`, `.a.b` or `$.a`: where it begins and the names.
    Path { root: bool, names: Vec<String>, dashed: bool },
    /// A word such as a function, a number or a variable.
    Word(String),
    /// A text in quotes.
    Text(String),
    /// Anything else.
    Sign,
}

/// A key of what is fetched, as an action names it.
enum Named {
    /// Its name, and whether `.` cannot mean anything else there.
    Key(String, bool),
    /// A name that is read as a subtraction.
    Dashed(String),
}

fn named(tokens: &[Token]) -> Vec<Named> {
    let mut all = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Token::Path { root, names, dashed } = token else {
            continue;
        };
        match names.first() {
            Some(name) if *dashed && names.len() == 1 => all.push(Named::Dashed(name.clone())),
            Some(name) => all.push(Named::Key(name.clone(), *root)),
            None => {
                let before = index.checked_sub(1).and_then(|before| tokens.get(before));
                if let (Some(Token::Word(word)), Some(Token::Text(key))) = (before, tokens.get(index + 1))
                    && word == "index"
                {
                    all.push(Named::Key(key.clone(), *root));
                }
            }
        }
    }
    all
}

/// The actions of a template; none where one does not end.
fn actions(text: &str) -> Option<Vec<Action>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let inside = rest.get(start + 2..)?;
        let trimmed = inside.strip_prefix("- ").unwrap_or(inside);
        if trimmed.trim_start().starts_with("/*") {
            let end = inside.find("*/")?;
            let behind = inside.get(end..)?.find("}}")?;
            rest = inside.get(end + behind + 2..)?;
            all.push(Action { comment: true, tokens: Vec::new() });
            continue;
        }
        let (tokens, behind) = tokens(trimmed)?;
        all.push(Action { comment: false, tokens });
        rest = behind;
    }
    Some(all)
}

/// The parts of an action up to its end, and what stands behind it.
fn tokens(text: &str) -> Option<(Vec<Token>, &str)> {
    let mut all = Vec::new();
    let mut rest = text;
    let mut before = ' ';
    loop {
        if let Some(behind) = rest.strip_prefix("}}").or_else(|| rest.strip_prefix(" -}}")) {
            return Some((all, behind));
        }
        let first = rest.chars().next()?;
        let (token, length) = match first {
            '"' | '`' | '\'' => quoted(rest, first)?,
            // A field of what stands in parentheses.
            '.' if before == ')' => (Token::Sign, path(rest).1),
            '.' | '$' => path(rest),
            _ if is_word(first) => {
                let word: String = rest.chars().take_while(|c| is_word(*c) || *c == '.').collect();
                let length = word.len();
                (Token::Word(word), length)
            }
            _ => (Token::Sign, first.len_utf8()),
        };
        if !first.is_whitespace() {
            all.push(token);
        }
        before = first;
        rest = rest.get(length..)?;
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A text in quotes and its length with them.
fn quoted(text: &str, quote: char) -> Option<(Token, usize)> {
    let mut content = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote != '`' => content.push(chars.next()?.1),
            _ if c == quote => return Some((Token::Text(content), at + 1)),
            _ => content.push(c),
        }
    }
    None
}

/// `.a.b`, `$.a`, `$name.a` or a lone dot, and its length.
fn path(text: &str) -> (Token, usize) {
    let mut length = 0;
    let mut names = Vec::new();
    let root = text.starts_with('$');
    let mut variable = String::new();
    if let Some(behind) = text.strip_prefix('$') {
        variable = word(behind);
        length = 1 + variable.len();
    }
    while let Some(behind) = text.get(length..).and_then(|rest| rest.strip_prefix('.')) {
        let name = word(behind);
        length += 1 + name.len();
        if name.is_empty() {
            break;
        }
        names.push(name);
    }
    if !variable.is_empty() {
        return (Token::Word(variable), length);
    }
    let mut dashed = false;
    if let Some(last) = names.last_mut() {
        let more = |from: usize| text.get(from..)?.strip_prefix('-').map(word).filter(|more| !more.is_empty());
        while let Some(more) = more(length) {
            last.push('-');
            last.push_str(&more);
            length += 1 + more.len();
            dashed = true;
        }
    }
    (Token::Path { root, names, dashed }, length)
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| is_word(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(key: &str) -> Vec<Fault> {
        vec![Fault::Unknown { key: key.to_owned() }]
    }

    #[test]
    fn what_is_named_is_fetched() {
        let fetched: &[&str] = &["user", "password", "tls.crt"];
        for sound in [
            "{{ .user }}:{{ .password }}",
            "{{- .user -}}",
            "{{.user|upper}}",
            "{{ printf \"%s:%s\" .user .password | b64enc }}",
            "{{ index . \"tls.crt\" }}",
            "{{ $u := .user }}{{ $u.x }}",
            "{{ $.user }}",
            "{{ range $k, $v := . }}{{ .other }}{{ end }}",
            "{{ \"}} .nobody\" }}{{ .user }}",
            "{{ `}} .nobody` }}",
            "{{/* .nobody }} */}}{{ .user }}",
            "{{ add 1.5 2 }}",
            "{{ (fromJson .user).first }}",
            "a }} b {{ .user }}",
        ] {
            assert_eq!(faults(sound, Some(fetched)), [], "{sound}");
        }
        for wrong in ["{{ .usr }}", "{{ (.usr) }}", "{{ $.usr }}", "{{ index . \"usr\" }}", "{{ range . }}{{ $.usr }}{{ end }}", "{{ .user }}{{ .usr.x }}"] {
            assert_eq!(faults(wrong, Some(fetched)), unknown("usr"), "{wrong}");
            assert_eq!(faults(wrong, None), [], "{wrong}");
        }
    }

    #[test]
    fn what_is_no_template_is_told() {
        for (text, fault) in [
            ("hunter2", Fault::Literal),
            ("", Fault::Literal),
            ("}}", Fault::Literal),
            ("{{/* .user */}}hunter2", Fault::Literal),
            ("{{ .user }", Fault::Open),
            ("{{ \"}}", Fault::Open),
            ("{{ '", Fault::Open),
            ("{{/* }}", Fault::Open),
            ("{{ }}", Fault::Empty),
            ("{{ .pull-secret }}", Fault::Dashed("pull-secret".to_owned())),
            ("{{ .a-b-c | x }}", Fault::Dashed("a-b-c".to_owned())),
        ] {
            assert_eq!(faults(text, None), [fault], "{text}");
        }
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        let parts = ["{{", "}}", "-", " ", ".", "$", "\"", "`", "\\", "a", "é", "/*", "*/", "range", "("];
        for seed in 0..20_000_usize {
            let mut rest = seed * 2_654_435_761 % 759_375;
            let mut text = String::new();
            while rest > 0 {
                text.push_str(parts[rest % parts.len()]);
                rest /= parts.len();
            }
            faults(&text, Some(&["a"]));
        }
    }
}
