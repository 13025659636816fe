//! Every field of every kind reaches the cluster. The fields come from the schemas, the texts from the
//! examples: each field is left out, written, written otherwise and written wrongly, and what a real
//! API server holds afterwards is what was rendered. A field that nothing here can write is a failure.

mod compared;
mod lists;
mod live;
mod places;
mod project;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Instant;

use kubemate::kinds;
use kubemate::object::{Desired, ObjectKey};
use rayon::prelude::*;

use self::lists::List;
use self::places::{Field, Inside, Place, donors, fields};
pub(crate) use self::project::together;
use self::project::{Edit, Project, Which};
use self::values::{others, wrong};
use crate::bed;

/// Most ways tried to put a field where no example has it.
const TRIES: usize = 8;
/// Most places of one field that are tried.
const PLACES: usize = 8;

type Objects = BTreeMap<ObjectKey, Desired>;

/// What became of the ways to write one field.
#[derive(Debug, Default, Clone)]
struct Found {
    /// It can be left out, or written otherwise.
    free: bool,
    /// One of the two changes an object.
    seen: bool,
}

/// A place of a field with the edits that leave it out and that write it otherwise, where there are.
#[derive(Debug, Clone)]
struct Tried {
    path: String,
    without: Option<Edit>,
    other: Option<Edit>,
    seen: bool,
}

/// Whether two renders say the same to a cluster.
fn same(one: &Objects, other: &Objects) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|((a, x), (b, y))| a == b && x.manifest.body == y.manifest.body)
}

/// Every field of the kinds of a project that has no place in it is put where its definition is used,
/// as it is written elsewhere.
fn complete(mut project: Project, all: &[Field]) -> Project {
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, text) in &project.texts {
        for (origin, texts) in donors(text, all) {
            given.entry(origin).or_default().extend(texts);
        }
    }
    for field in all {
        let places = project.places();
        if places.iter().any(|(_, place)| place.path == field.path) {
            continue;
        }
        let Some((parent, _)) = field.path.rsplit_once('/') else {
            continue;
        };
        let held = |(_, place): &&(usize, Place)| place.path == parent;
        let parents: Vec<_> = places.iter().filter(held).cloned().collect();
        let texts = given.get(&field.origin).cloned().unwrap_or_default();
        // Where it does not go with what is there, one more of what holds it may, as another has it.
        let above = parent.rsplit_once('/').map(|(above, _)| above);
        let above: Vec<_> = places
            .iter()
            .filter(|(_, p)| Some(p.path.as_str()) == above)
            .collect();
        let holder = all.iter().find(|f| f.path == parent);
        let holders = holder.and_then(|holder| given.get(&holder.origin)).cloned();
        let name = field.path.rsplit('/').next().unwrap();
        let mut holders = holders.unwrap_or_default();
        holders.retain(|text| text.contains(name));
        let pairs =
            |texts: &[String], places: Vec<(usize, Place)>| -> Vec<(usize, Place, String)> {
                let each = |text: &String| {
                    let text = text.clone();
                    places
                        .clone()
                        .into_iter()
                        .map(move |(file, place)| (file, place, text.clone()))
                };
                texts.iter().flat_map(each).take(TRIES).collect()
            };
        let mut tries = pairs(&texts, parents);
        tries.extend(pairs(&holders, above.into_iter().cloned().collect()));
        let found = tries.par_iter().find_map_first(|(file, place, text)| {
            let with = project.with(&[put(*file, place, text)?]);
            let there = with
                .places()
                .iter()
                .any(|(_, place)| place.path == field.path);
            (there && with.placeless().is_ok()).then_some(with)
        });
        project = found.unwrap_or(project);
    }
    project
}

fn put(file: usize, place: &Place, text: &str) -> Option<Edit> {
    let (at, with) = match place.inside.as_ref()? {
        Inside::Block(at) => (*at, format!(" {text};\n")),
        Inside::Behind(at) => (*at, format!(" {{ {text} }}")),
    };
    let range = at..at;
    Some(Edit { file, range, with })
}

/// Tries every field: without it, and with another value. Where one place of it shows nothing, the next
/// may.
fn tried(project: &Project, full: &Objects) -> Vec<Tried> {
    let mut fields: BTreeMap<String, Vec<(usize, Place)>> = BTreeMap::new();
    for (file, place) in project.places() {
        let of_field = fields.entry(place.path.clone()).or_default();
        of_field.push((file, place));
    }
    let fields: Vec<Vec<(usize, Place)>> = fields.into_values().collect();
    let one = |places: &Vec<(usize, Place)>| {
        let mut out: Vec<Tried> = Vec::new();
        for (file, place) in places.iter().take(PLACES) {
            out.push(tried_at(project, full, *file, place));
            if out.last().is_some_and(|one| one.seen) {
                break;
            }
        }
        out
    };
    fields.par_iter().flat_map_iter(one).collect()
}

fn tried_at(project: &Project, full: &Objects, file: usize, place: &Place) -> Tried {
    let edit = |range: &std::ops::Range<usize>, with: &str| Edit {
        file,
        range: range.clone(),
        with: with.to_owned(),
    };
    let sound = |edit: Edit| {
        let objects = project.with(std::slice::from_ref(&edit)).placeless().ok()?;
        Some((edit, !same(&objects, full)))
    };
    let without = sound(edit(&place.whole, ""));
    let text = &project.texts[file].1;
    let mut other: Option<(Edit, bool)> = None;
    if place.flag {
        let flag = format!("{} #false", &text[place.whole.clone()]);
        other = sound(edit(&place.whole, &flag));
    } else if let Some(value) = &place.value {
        let candidates = others(&place.schema, &text[value.clone()]);
        for candidate in candidates.unwrap_or_default() {
            let candidate = project.own(&candidate);
            if candidate.trim_matches('"') == text[value.clone()].trim_matches('"') {
                continue;
            }
            match sound(edit(value, &candidate)) {
                Some(found) if found.1 => {
                    other = Some(found);
                    break;
                }
                found => other = other.or(found),
            }
        }
    }
    let seen = [&without, &other]
        .iter()
        .any(|found| found.as_ref().is_some_and(|(_, seen)| *seen));
    Tried {
        path: place.path.clone(),
        without: without.map(|(edit, _)| edit),
        other: other.map(|(edit, _)| edit),
        seen,
    }
}

/// What was judged of a project, once for all tests.
struct Judged {
    /// Everything is written that can be.
    project: Project,
    /// Every place, left out and written otherwise.
    tried: Vec<Tried>,
}

fn judged(which: Which) -> &'static Judged {
    static ALL: [OnceLock<Judged>; Which::ALL.len()] =
        [const { OnceLock::new() }; Which::ALL.len()];
    ALL[which as usize].get_or_init(|| {
        let started = Instant::now();
        let (project, objects) = whole(which);
        let completed = started.elapsed();
        let tried = tried(&project, &objects);
        let (places, all) = (tried.len(), started.elapsed());
        eprintln!("{which:?}: {places} places, completed in {completed:?}, judged in {all:?}");
        Judged { project, tried }
    })
}

fn whole(which: Which) -> (Project, Objects) {
    let project = Project::stored(which).named(&bed::unique_name("r"));
    let objects = project.placeless();
    (
        project,
        objects.unwrap_or_else(|e| panic!("{which:?}: {e:#?}")),
    )
}

/// The examples with everything put in that they lack. The kinds are those that the project has.
fn completed(which: Which) -> Project {
    let project = Project::new(which);
    if let Err(errors) = project.placeless() {
        panic!("{which:?}: {errors:#?}");
    }
    let places = project.places();
    let kind = |(_, place): &(usize, Place)| place.path.split('/').next().unwrap().to_owned();
    let kinds: BTreeSet<String> = places.iter().map(kind).collect();
    let all: Vec<Field> = kinds.iter().flat_map(|kind| fields(kind)).collect();
    complete(project, &all)
}

/// Putting every field where it can stand takes minutes, so that the outcome is kept in files. Where
/// time is no matter, it is done again.
#[test]
fn the_texts_are_the_examples_with_everything_in_them() {
    if !project::takes_time() {
        return;
    }
    Which::ALL
        .par_iter()
        .for_each(|which| which.agrees(&completed(*which)));
}

#[test]
fn every_field_is_written_and_rendered() {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for which in Which::ALL {
        for one in &judged(which).tried {
            // What holds a field is varied with it.
            for (end, _) in one.path.match_indices('/').chain([(one.path.len(), "")]) {
                let sum = found.entry(one.path[..end].to_owned()).or_default();
                sum.free |= one.without.is_some() || one.other.is_some();
                sum.seen |= one.seen;
            }
        }
    }
    let mut lists = [const { BTreeSet::new() }; 3];
    for field in kinds::NAMES.iter().flat_map(|kind| fields(kind)) {
        let path = field.path;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        match found.get(&path) {
            // Of what is written nowhere, only the outermost is listed.
            None if found.contains_key(parent) => lists[0].insert(path),
            None => false,
            Some(found) if !found.free => lists[1].insert(path),
            Some(found) if !found.seen => lists[2].insert(path),
            Some(_) => false,
        };
    }
    let [unwritten, fixed, silent] = lists;
    let told = [
        (List::Unwritten, unwritten),
        (List::Fixed, fixed),
        (List::Silent, silent),
    ]
    .map(|(list, found)| std::panic::catch_unwind(|| list.agrees(|_| true, &found)));
    assert!(
        told.iter().all(Result::is_ok),
        "the lists above are not what was found"
    );
}

#[test]
fn every_wrong_value_is_refused_at_its_line() {
    for which in Which::ALL {
        let project = Project::stored(which);
        let mut fields: BTreeMap<String, (usize, Place)> = BTreeMap::new();
        for (file, place) in project.places() {
            fields.entry(place.path.clone()).or_insert((file, place));
        }
        let bad: Vec<String> = fields
            .into_par_iter()
            .filter_map(|(path, (file, place))| {
                let here = |range, with: &&str| Edit {
                    file,
                    range,
                    with: (*with).to_owned(),
                };
                let mut edits: Vec<Edit> = Vec::new();
                if let Some(value) = &place.value {
                    let wrong = wrong(&place.schema);
                    edits.extend(wrong.iter().map(|with| here(value.clone(), with)));
                }
                // Of what holds fields, one that nothing can have.
                edits.extend(put(file, &place, "\"%% wrong %%\" 1"));
                let open = edits.is_empty();
                let refused = edits.iter().any(|edit| refused_there(&project, edit));
                let line = places::lines(&project.texts[file].1, &place.whole).start;
                (!open && !refused).then(|| format!("{path} in line {line} of {which:?}"))
            })
            .collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}

/// Whether an edit is refused by an error in one of its lines.
fn refused_there(project: &Project, edit: &Edit) -> bool {
    let changed = project.with(std::slice::from_ref(edit));
    let Err(errors) = changed.placeless() else {
        return false;
    };
    let text = &changed.texts[edit.file].1;
    let lines = places::lines(
        text,
        &(edit.range.start..edit.range.start + edit.with.len()),
    );
    let tree = changed.tree();
    errors.iter().any(|error| {
        error.primary.as_ref().is_some_and(|label| {
            let file = tree.get(label.span.file).expect("a file");
            let there = file.path.as_str() == changed.texts[edit.file].0;
            let at = places::lines(text, &label.span.range());
            there && at.start < lines.end && lines.start < at.end
        })
    })
}
