//! `docs/guards.md` and `docs/security.md` name the tests that prove what is promised: each of them must
//! exist where it is said to stand, and carry the number of its row where rows have numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::Source;

/// The page whose rows have numbers.
const PAGE: &str = "docs/guards.md";
/// The page of threats: each of its rows names a test, or says in words that there is none.
const THREATS: &str = "docs/security.md";

/// The names of the functions of each file.
type Functions<'a> = BTreeMap<&'a str, BTreeSet<String>>;

/// The names of all functions.
fn functions(code: &str) -> BTreeSet<String> {
    let names = code.split("fn ").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest[..end.unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

/// Those that read like a case: `r_04_lost_reply`, `s_40_forbidden_kinds`.
fn cases(code: &str) -> BTreeSet<String> {
    let mut names = functions(code);
    names.retain(|name| number(name).is_some());
    names
}

/// `R-04` of `r_04_lost_reply`.
fn number(name: &str) -> Option<String> {
    let mut parts = name.splitn(3, '_');
    let (part, digits, _) = (parts.next()?, parts.next()?, parts.next()?);
    let known = matches!(part, "r" | "s" | "l") && digits.len() == 2;
    let whole = known && digits.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| format!("{}-{digits}", part.to_ascii_uppercase()))
}

/// What is wrong with a page, given every case that is tested.
fn wrong(page: &str, tested: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let rows = page
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("| R-"));
    for (at, row) in rows {
        let place = format!("{PAGE}:{}", at + 1);
        let case = row
            .trim_start_matches("| ")
            .split(' ')
            .next()
            .unwrap_or_default();
        let named: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            complaints.push(format!("{place}: {case} names no test"));
        }
        for name in named {
            if !tested.contains(name) {
                complaints.push(format!("{place}: there is no test `{name}`"));
            } else if number(name).as_deref() != Some(case) {
                complaints.push(format!("{place}: `{name}` is no test of {case}"));
            }
        }
    }
    complaints
}

/// Whether a function stands where a path says, or anywhere where there is only a name. `…` is the rest of a
/// name.
fn is_there(path: &str, functions: &Functions<'_>) -> bool {
    let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
    let is = |function: &String| match name.strip_suffix('…') {
        Some(start) => function.starts_with(start),
        None => function == name,
    };
    if module.is_empty() {
        return functions.values().flatten().any(is);
    }
    let has = |file: String| {
        let names = functions.get(file.as_str());
        names.is_some_and(|names| names.iter().any(is))
    };
    // Unit tests stand in a module of their file, or in a file of their own.
    let around = module.strip_suffix("::tests").unwrap_or(module);
    let (around, module) = (around.replace("::", "/"), module.replace("::", "/"));
    has(format!("src/{around}.rs"))
        || has(format!("src/{module}.rs"))
        || has(format!("tests/it/{module}.rs"))
}

/// What the last column of a row names.
fn named(row: &str) -> Vec<&str> {
    let cells = row.trim_end().trim_end_matches('|');
    let last = cells.rsplit(" | ").next().unwrap_or_default();
    last.split('`').skip(1).step_by(2).collect()
}

/// What is wrong with a page whose rows name tests by their paths.
fn lost(place: &str, page: &str, functions: &Functions<'_>) -> Vec<String> {
    let mut complaints = Vec::new();
    let rows = page
        .lines()
        .enumerate()
        .skip_while(|(_, line)| !line.starts_with('#'));
    for (at, row) in rows.filter(|(_, line)| line.starts_with("| ") && !line.starts_with("| R-")) {
        let names = named(row);
        let says = row.contains("| none: ") || !row.starts_with("| T-");
        if names.is_empty() && !says {
            complaints.push(format!("{place}:{}: it names no test", at + 1));
        }
        let gone = names.into_iter().filter(|name| !is_there(name, functions));
        complaints.extend(gone.map(|name| format!("{place}:{}: there is no `{name}`", at + 1)));
    }
    complaints
}

/// The complaints about the pages of this repository.
pub(super) fn complaints(all: &[Source]) -> Vec<String> {
    let tested: BTreeSet<String> = all.iter().flat_map(|source| cases(&source.code)).collect();
    let files = all.iter().filter(|source| source.is_rust());
    let functions: Functions<'_> = files
        .map(|source| (source.path.as_str(), functions(&source.code)))
        .collect();
    let mut complaints = Vec::new();
    for path in [PAGE, THREATS] {
        match all.iter().find(|source| source.path == path) {
            Some(page) => complaints.extend(lost(path, &page.text, &functions)),
            None => complaints.push(format!("{path} is missing")),
        }
    }
    let page = all.iter().find(|source| source.path == PAGE);
    complaints.extend(page.into_iter().flat_map(|page| wrong(&page.text, &tested)));
    complaints
}

#[test]
fn a_row_without_its_test_is_told() {
    let tested = cases("#[test]\nfn r_04_lost_reply() {}\nasync fn r_10_more() {}\nfn r_x() {}");
    assert_eq!(tested.len(), 2);
    let page = "# Guards\n| R-04 | a | `r_04_lost_reply` |\n| R-05 | b | `r_05_nothing` |\n\
                | R-06 | c | |\n| R-07 | d | `r_10_more` |\n";
    let expected = [
        "docs/guards.md:3: there is no test `r_05_nothing`",
        "docs/guards.md:4: R-06 names no test",
        "docs/guards.md:5: `r_10_more` is no test of R-07",
    ];
    assert_eq!(wrong(page, &tested), expected);
}

#[test]
fn a_test_that_moved_is_told() {
    let known: Functions<'_> = [
        ("src/a/b.rs", functions("fn s_01_in_its_file() {}")),
        ("src/a/c/tests.rs", functions("fn beside() {}")),
        (
            "tests/it/d.rs",
            functions("async fn s_02_from_outside() {}"),
        ),
    ]
    .into();
    let page = "# Threats\n| T-1 | a | `a::b::tests::s_01_…`, lib `a::c::tests::beside` |\n\
                | T-2 | b | `d::s_02_from_outside`, `s_02_from_outside` |\n| T-3 | c | none: not offered |\n\
                | T-4 | d | |\n| T-5 | e | `d::s_01_…` |\n| T-6 | `not here` | `d::s_02` |\n";
    let expected = [
        "a.md:5: it names no test",
        "a.md:6: there is no `d::s_01_…`",
        "a.md:7: there is no `d::s_02`",
    ];
    assert_eq!(lost("a.md", page, &known), expected);
}
