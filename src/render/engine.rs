//! minijinja under our rules: every interpolation is written as JSON, so a value can never change the
//! structure; undefined is an error; steps, depth and output are bounded.

use std::io;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value};

use super::trace::{Recorder, Tree};

static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Instructions that one template may execute.
const FUEL: u64 = 2_000_000;
/// Most bytes that one template may write.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;
/// Deepest nesting of macros and includes.
const MAX_RECURSION: usize = 32;

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// There is no such template.
    #[error("there is no template `{0}`")]
    Missing(String),
    /// It failed, or went over a limit.
    #[error("template `{template}`{at}: {reason}")]
    Failed {
        /// The template.
        template: String,
        /// ` line N`, where known.
        at: String,
        /// What went wrong.
        reason: String,
    },
}

static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = environment();
    env.set_formatter(|out, _, value| write_json(out, value));
    env
});

/// Runs a template on data.
pub fn render(template: &str, data: &Tree) -> Result<String, EngineError> {
    run(&PLAIN, template, data.plain())
}

/// Runs a template so that every interpolation carries a mark of what it read; see [`Recorder`].
pub fn render_marked(template: &str, data: &Tree) -> Result<(String, Recorder), EngineError> {
    let recorder = Recorder::default();
    let mut env = PLAIN.clone();
    let marks = recorder.clone();
    env.set_formatter(move |out, _: &mut State<'_, '_>, value| {
        let marked = marks.mark(value);
        out.write_str(&marked).map_err(minijinja::Error::from)
    });
    let text = run(&env, template, data.traced(&recorder))?;
    Ok((text, recorder))
}

/// Names of all templates, for tests and `doctor`.
pub fn names() -> Vec<String> {
    PLAIN.templates().map(|(name, _)| name.to_owned()).collect()
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::Json);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(MAX_RECURSION);
    // Built-in syntax with block tags that leave no blank lines; it cannot fail.
    if let Ok(syntax) = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
    {
        env.set_syntax(syntax);
    }
    env.remove_filter("safe");
    env.remove_global("debug");
    add(&mut env, &TEMPLATES);
    env
}

fn add(env: &mut Environment<'static>, dir: &'static Dir<'static>) {
    for file in dir
        .files()
        .filter(|f| f.path().extension().is_some_and(|e| e == "j2"))
    {
        if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            // A template that does not parse is missing; a test renders every one.
            drop(env.add_template(name, text));
        }
    }
    dir.dirs().for_each(|below| add(env, below));
}

fn run(env: &Environment<'_>, template: &str, data: Value) -> Result<String, EngineError> {
    let found = env
        .get_template(template)
        .map_err(|_| EngineError::Missing(template.to_owned()))?;
    let mut out = Capped(Vec::new());
    match found.render_captured_to(data, &mut out) {
        Ok(_) => String::from_utf8(out.0).map_err(|_| failed(template, "", "it wrote no text")),
        Err(_) if out.0.len() >= MAX_OUTPUT => {
            Err(failed(template, "", "it writes more than 4 MiB"))
        }
        Err(error) => {
            let at = error
                .line()
                .map_or(String::new(), |line| format!(" line {line}"));
            let reason = error.detail().map_or_else(
                || error.kind().to_string(),
                |d| format!("{}: {d}", error.kind()),
            );
            Err(failed(template, &at, &reason))
        }
    }
}

fn failed(template: &str, at: &str, reason: &str) -> EngineError {
    EngineError::Failed {
        template: template.into(),
        at: at.into(),
        reason: reason.into(),
    }
}

/// JSON that is YAML too: control characters that YAML forbids are escaped.
pub(super) fn write_json(out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
    out.write_str(&json(value)).map_err(minijinja::Error::from)
}

/// A value as JSON text.
pub(super) fn json(value: &Value) -> String {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    if text.is_ascii() {
        return text.replace('\u{7f}', "\\u007f");
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{feff}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{2028}'
            | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

/// A buffer that refuses to grow over the limit.
struct Capped(Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            let room = MAX_OUTPUT - self.0.len();
            self.0.extend_from_slice(&bytes[..room]);
            return Err(io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a limit on time is tried")]
mod tests {
    use super::*;

    /// Runs a text as a template under the rules of every template.
    fn run_text(text: &str) -> Result<String, EngineError> {
        let mut env = environment();
        env.set_formatter(|out, _, value| write_json(out, value));
        let templates = [
            ("again", "{% include 'again' %}"),
            ("left", "{% include 'right' %}"),
            ("right", "{% include 'left' %}"),
            ("heir", "{% extends 'heir' %}"),
            ("test", text),
        ];
        for (name, text) in templates {
            env.add_template_owned(name, text.to_owned())
                .map_err(|error| failed(name, "", &error.to_string()))?;
        }
        let data = serde_json::json!({"a": "x"});
        run(&env, "test", Tree::new(data.as_object().unwrap()).plain())
    }

    fn refused(text: &str) -> String {
        let started = std::time::Instant::now();
        let error = run_text(text).unwrap_err().to_string();
        assert!(started.elapsed().as_secs() < 20, "{text}");
        error
    }

    #[test]
    fn s_33_a_template_reaches_nothing_but_its_data() {
        assert_eq!(run_text("{{ a }}").unwrap(), "\"x\"");
        for name in [
            "debug()",
            "env('HOME')",
            "environ",
            "getenv('HOME')",
            "now()",
            "random()",
            "lipsum()",
            "http('https://h')",
            "open('/etc/passwd')",
            "read('/etc/passwd')",
            "lookup('v1', 'Secret', 'a', 'b')",
            "self.environment",
            "a.__class__",
            "''.__class__.__mro__",
            "cycler.__init__.__globals__",
            "config",
            "request",
            "getHostByName('h')",
            "a | attr('__class__') | attr('x')",
        ] {
            let said = refused(&format!("{{{{ {name} }}}}"));
            assert!(said.contains("test"), "{name}: {said}");
        }
        for text in [
            "{% include '/etc/passwd' %}",
            "{% include '../../etc/passwd' %}",
            "{% import '/etc/passwd' as p %}",
            "{{ a | safe }}",
            "{% extends '/etc/passwd' %}",
        ] {
            refused(text);
        }
    }

    #[test]
    fn s_33_the_list_of_what_templates_may_call_is_known() {
        let env = environment();
        let mut globals: Vec<String> = env.globals().map(|(name, _)| name.to_owned()).collect();
        globals.sort();
        assert_eq!(globals, ["dict", "namespace", "range"]);
    }

    #[test]
    fn s_25_no_template_runs_without_end() {
        for text in [
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
            "{% include 'again' %}",
            "{% include 'left' %}",
            "{% include 'heir' %}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(30) }}",
        ] {
            let said = refused(text);
            assert!(said.contains("template"), "{said}");
        }
    }

    #[test]
    fn s_23_no_template_writes_without_end() {
        for text in [
            "{% for i in range(9999) %}{% for j in range(999) %}{{ 'xxxxxxxxxxxxxxxx' }}{% endfor %}{% endfor %}",
            "{% for i in range(99999) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}",
            "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{{ ns.s }}{% endfor %}",
        ] {
            let said = refused(text);
            assert!(said.contains("template"), "{said}");
        }
    }
}
