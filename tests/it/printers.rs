//! What people and machines are shown: golden texts for every printer, hostile repositories through
//! all of them, and the published schema against the types.

use kubemate::dsl::diagnostic::{Code, Diagnostic, Diagnostics, Span};
use kubemate::report::diagnostics::{Format, Style, escape, human, print, schema};
use kubemate::source::{Content, FileId, RepoPath, SourceFile, SourceTree};
use proptest::prelude::*;

use crate::effort;

const ALL: [Format; 4] = [Format::Human, Format::Json, Format::Sarif, Format::GitHub];
const COLOR: Style = Style {
    color: true,
    width: 100,
};

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn tree(files: &[(&str, &str)]) -> SourceTree {
    let files = files
        .iter()
        .map(|(p, text)| SourceFile::from_bytes(path(p), (*text).into()));
    SourceTree::new(files.collect()).unwrap()
}

fn list(problems: impl IntoIterator<Item = Diagnostic>) -> Diagnostics {
    let mut all = Diagnostics::default();
    for problem in problems {
        all.push(problem);
    }
    all
}

/// The bytes of the first `needle` in a file.
fn of(tree: &SourceTree, file: &str, needle: &str) -> Span {
    let (id, found) = tree.find(file).unwrap();
    let start = found.text().unwrap().find(needle).unwrap();
    Span::new(id, start..start + needle.len())
}

const APP: &str = "tenants/pay/app.kdl";
const ROUTE: &str = "tenants/pay/route.kdl";
const TWIN: &str = "tenants/pay/twin.kdl";
const LOGO: &str = "tenants/pay/logo.kdl";

fn example_tree() -> SourceTree {
    let app = "app checkout {\n\tport 80\n\tmemory 1Mi\n\treplcas 3\n}\n";
    let texts = [
        ("kubemate.kdl", "project shop render=1\nenvironment prod\n"),
        (APP, app),
        (ROUTE, "route checkout host=\"pay.bank\" to=chekout\n"),
        (TWIN, "app checkout\r\n"),
    ];
    let texts = texts
        .iter()
        .map(|(p, t)| SourceFile::from_bytes(path(p), (*t).into()));
    let logo = SourceFile::from_bytes(path(LOGO), b"a\xff".to_vec());
    let link = SourceFile::unread(path("tenants/pay/x.kdl"), Content::Symlink);
    SourceTree::new(texts.chain([logo, link]).collect()).unwrap()
}

/// One tree with every shape of problem.
fn example() -> (Diagnostics, SourceTree) {
    let tree = example_tree();
    let at = |file: &str, needle: &str| of(&tree, file, needle);
    let error = |code, span, message: &str| Diagnostic::error(Code(code), span, message);
    let logo = Span::new(tree.find(LOGO).unwrap().0, 1..2);
    let missing = "there is no app `chekout` in tenant `pay`";
    let mut only_prod = error(401, at(ROUTE, "chekout"), missing);
    only_prod.environments = vec!["prod".into()];
    let mut all = list([
        Diagnostic::global(Code(402), "no cluster is named, so nothing can be applied")
            .help("add `cluster NAME uid=…` to `kubemate.kdl`"),
        error(21, at(APP, "1Mi"), "`1Mi` must be quoted")
            .label("starts with a digit")
            .fix(at(APP, "1Mi"), "\"1Mi\"", "put it in quotes"),
        error(201, at(APP, "replcas"), "`app` has no field `replcas`")
            .related(at(APP, "app"), "in this app")
            .suggestion(at(APP, "replcas"), "replicas", "did you mean `replicas`?"),
        only_prod
            .related(at(APP, "checkout"), "a similar name is here")
            .suggestion(at(ROUTE, "chekout"), "checkout", "name that app"),
        error(403, at(TWIN, "checkout"), "`checkout` is there twice")
            .label("again here")
            .related(at(APP, "checkout"), "first here")
            .suggestion(at(APP, "checkout"), "checkout-two", "rename the first"),
        error(17, logo, "the file is not UTF-8 text").label("first bad byte"),
        error(110, at("kubemate.kdl", "render=1"), "render 1 is old")
            .warning()
            .help("move to `render=2`")
            .help("`kubemate plan` shows what changes"),
    ])
    .finish();
    all.left_out.insert(tree.find(APP).unwrap().0, 20);
    (all, tree)
}

#[test]
fn people_read() {
    let (all, tree) = example();
    insta::assert_snapshot!(human(&all, &tree, Style::PLAIN));
}

#[test]
fn colours_change_nothing_but_colour() {
    let (all, tree) = example();
    let plain = human(
        &all,
        &tree,
        Style {
            color: false,
            ..COLOR
        },
    );
    let colored = human(&all, &tree, COLOR);
    assert_ne!(plain, colored);
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}

#[test]
fn programs_read() {
    let (all, tree) = example();
    let text = print(Format::Json, &all, &tree, COLOR);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let wrong: Vec<_> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        !validator.is_valid(&serde_json::json!({"format_version": 1})),
        "the schema checks"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn scanners_read() {
    let (all, tree) = example();
    insta::assert_snapshot!(print(Format::Sarif, &all, &tree, COLOR));
}

#[test]
fn github_reads() {
    let (all, tree) = example();
    insta::assert_snapshot!(print(Format::GitHub, &all, &tree, COLOR));
}

#[test]
fn nothing_wrong_prints_nothing_for_people_and_valid_documents_for_machines() {
    let (none, tree) = (Diagnostics::default(), tree(&[]));
    assert_eq!(print(Format::Human, &none, &tree, COLOR), "");
    assert_eq!(print(Format::GitHub, &none, &tree, COLOR), "");
    for format in [Format::Json, Format::Sarif] {
        let text = print(format, &none, &tree, COLOR);
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "{text}"
        );
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test reads and, when asked to, writes a file"
)]
fn the_published_schema_is_the_one_of_the_types() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/diagnostics.json");
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var("KUBEMATE_BLESS").is_ok() {
        std::fs::write(file, &current).unwrap();
    }
    let published = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        published == current,
        "schema/diagnostics.json is stale; `KUBEMATE_BLESS=1 cargo test --test it schema` renews it"
    );
}

#[test]
fn fingerprints_survive_moved_lines_and_tell_twins_apart() {
    let prints = |text: &str, places: &[(usize, usize)]| -> Vec<String> {
        let tree = tree(&[("a.kdl", text)]);
        let problems = places
            .iter()
            .map(|place| Diagnostic::error(Code(201), Span::new(FileId(0), place.0..place.1), "x"));
        let log = print(Format::Sarif, &list(problems), &tree, COLOR);
        let log: serde_json::Value = serde_json::from_str(&log).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let of = |r: &serde_json::Value| r["partialFingerprints"]["kubemate/v1"].to_string();
        results.iter().map(of).collect()
    };
    let before = prints("app a\n", &[(0, 3)]);
    assert_eq!(before, prints("\n\n  app a\n", &[(4, 7)]));
    assert_ne!(before, prints("app b\n", &[(0, 3)]));
    let twins = prints("app a\napp a\n", &[(0, 3), (6, 9)]);
    assert_ne!(twins[0], twins[1]);
}

#[test]
fn github_gets_ten_of_each_level_and_the_rest_as_a_number() {
    let text = "x\n".repeat(40);
    let tree = tree(&[("a.kdl", &text), ("b.kdl", &text)]);
    let at = |file, n: usize| {
        Diagnostic::error(
            Code(201),
            Span::new(FileId(file), n * 2..n * 2 + 1),
            format!("no {n}"),
        )
    };
    let mut problems: Vec<_> = (0..12).map(|n| at(0, n)).collect();
    problems.push(at(1, 30));
    problems.extend((20..30).map(|n| at(0, n).warning()));
    let mut all = list(problems);
    all.left_out.insert(FileId(0), 7);
    let out = print(Format::GitHub, &all, &tree, COLOR);
    let count = |start: &str| out.lines().filter(|l| l.starts_with(start)).count();
    assert_eq!((count("::error "), count("::warning ")), (10, 10));
    let errors: Vec<_> = out.lines().take(10).collect();
    assert!(
        errors[1].contains("file=b.kdl"),
        "the first of each file comes first: {}",
        errors[1]
    );
    assert!(
        errors[9].ends_with("::and 11 more; `kubemate validate` lists all of them"),
        "{out}"
    );
}

#[test]
fn headers_name_the_file_s_own_columns() {
    let long = format!("{}here", "é".repeat(900));
    for (text, needle, place) in [
        ("ab\u{202e}\u{1b}cd", "cd", "a.kdl:1:5"),
        ("\u{feff}app", "app", "a.kdl:1:1"),
        ("\tx\r\n\ty", "y", "a.kdl:2:2"),
        ("大大 x", "x", "a.kdl:1:4"),
        (&long, "here", "a.kdl:1:901"),
    ] {
        let tree = tree(&[("a.kdl", text)]);
        let all = list([Diagnostic::error(
            Code(201),
            of(&tree, "a.kdl", needle),
            "x",
        )]);
        let out = human(&all, &tree, Style::PLAIN);
        assert!(out.contains(&format!("--> {place}\n")), "{out}");
        assert!(out.lines().all(|l| l.len() < 300), "{out}");
    }
}

/// S-66 and S-65: what repositories try to do to terminals, logs and readers.
#[test]
fn s_65_s_66_hostile_text_is_inert_in_every_format() {
    let evil = "\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}31m\r::error::no\n::set-output name=a::b\u{202e}\u{200b}%0A##[x]";
    let file = "a,b:c%\u{202e}\u{2066}.kdl";
    let tree = tree(&[(file, evil)]);
    let span = Span::new(FileId(0), 3..20);
    let mut problem = Diagnostic::error(Code(201), span, evil)
        .label(evil)
        .related(Span::new(FileId(0), 0..1), evil)
        .help(evil)
        .fix(span, evil, evil)
        .suggestion(span, "", evil);
    problem.environments = vec![evil.into(), evil.into()];
    let mut all = list([problem]);
    all.left_out.insert(FileId(0), 1);
    for format in ALL {
        let out = print(format, &all, &tree, Style::PLAIN);
        let hidden: Vec<char> = out
            .chars()
            .filter(|c| *c != '\n' && escape::is_hidden(*c))
            .collect();
        assert!(hidden.is_empty(), "{format:?}: {hidden:?}");
    }
    let colored = human(&all, &tree, COLOR);
    for sequence in colored.split('\u{1b}').skip(1) {
        let end = sequence
            .find(|c: char| !"[0123456789;".contains(c))
            .unwrap();
        assert_eq!(&sequence[end..=end], "m", "only colours: {sequence:?}");
    }
    let github = print(Format::GitHub, &all, &tree, Style::PLAIN);
    assert_eq!(github.lines().count(), 2, "{github}");
    assert!(
        github.starts_with("::error file=a%2Cb%3Ac%25\\u{202e}\\u{2066}.kdl,line=1,"),
        "{github}"
    );
    let json = print(Format::Json, &all, &tree, Style::PLAIN);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["diagnostics"][0]["message"], evil,
        "programs get the text itself"
    );
}

/// Texts from the pieces that make positions hard.
fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "{\n",
        "}\n",
        "\r\n",
        "\n",
        "\r",
        "\t",
        "大",
        "e\u{301}",
        "👩‍💻",
        "\u{202e}",
        "\u{feff}",
        "\u{1b}[1m",
        "\u{0}",
        " ",
        "word ",
        "\u{e000}0\u{e001}",
        "\u{2028}",
        "a line that is long enough to be cut when it stands there a few times over and over ",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn odd_span(files: u32) -> impl Strategy<Value = Span> {
    (0..files, 0..400u32, 0..400u32).prop_map(|(file, start, end)| Span {
        file: FileId(file),
        start: if start > 380 { u32::MAX } else { start },
        end,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_span_and_no_text_breaks_a_printer(
        texts in prop::collection::vec(odd_text(), 2),
        spans in prop::collection::vec(odd_span(3), 5),
        replacement in odd_text(),
        width in 0..200usize,
        color: bool,
    ) {
        let tree = tree(&[("a.kdl", &texts[0]), ("b.kdl", &texts[1])]);
        let problem = Diagnostic::error(Code(201), spans[0], "message")
            .label("label")
            .related(spans[1], "one")
            .related(spans[2], "")
            .fix(spans[3], replacement.clone(), "mend it")
            .suggestion(spans[4], "", "drop it");
        let all = list([problem]);
        for format in ALL {
            let out = print(format, &all, &tree, Style { color, width });
            let shown = anstream::adapter::strip_str(&out).to_string();
            prop_assert!(shown.chars().all(|c| c == '\n' || !escape::is_hidden(c)), "{}", shown);
        }
    }
}

/// More cases in long runs.
fn cases() -> u32 {
    effort::cases(256, u32::MAX)
}
