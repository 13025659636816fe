//! From proposals to a project that validates: what is refused is given up and stays as it is, until
//! nothing is refused any more.

mod report;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::compare::Sides;
use super::intake::Intake;
use super::normal::Side;
use super::project::{self, Files, Kept};
use super::{ImportError, Imported, Options};
use crate::dsl::diagnostic::Diagnostic;
use crate::kinds;
use crate::kinds::import::{self, Draft, Translated, list, text};
use crate::object::{ObjectKey, Rendered, ResourceId};

/// Parts of a tenant that are given up one after the other where it is refused.
const PARTS: [&str; 6] = ["gateway", "network", "limits", "quota", "member", "owner"];
/// Directory of what the platform holds.
const PLATFORM: &str = "platform";

/// What is still proposed, and what was given up.
struct State<'a> {
    intake: &'a Intake,
    found: &'a import::Found,
    project: String,
    translated: Vec<Translated>,
    drafts: Vec<Draft>,
    /// Why an object that stays as it is has no resource.
    given_up: BTreeMap<ObjectKey, String>,
    /// Objects that not even the platform may hold as they are.
    refused: BTreeMap<ObjectKey, String>,
    /// Objects that a tenant may not hold.
    platforms: BTreeSet<ObjectKey>,
}

pub(super) fn settle(mut intake: Intake, options: &Options) -> Result<Imported, ImportError> {
    let translated = kinds::translate(&intake.found);
    let mut found = intake.found.clone();
    for one in &translated {
        found.objects.remove(&one.from);
        for (key, body) in &one.to {
            match found
                .objects
                .get_mut(key)
                .filter(|_| key.group_kind.kind == "Gateway")
            {
                Some(gateway) => join(gateway, body),
                None => {
                    found.objects.insert(key.clone(), body.clone());
                }
            }
        }
    }
    let left = std::mem::take(&mut intake.left);
    let mut state = State {
        project: project::project_file(&intake, options),
        drafts: kinds::import(&found).all,
        intake: &intake,
        found: &found,
        translated,
        given_up: BTreeMap::new(),
        refused: BTreeMap::new(),
        platforms: BTreeSet::new(),
    };
    state.name_once();
    // Each round gives something up, so that they end.
    let rounds = state.drafts.len() * (PARTS.len() + 1) + 2 * found.objects.len() + 2;
    for _ in 0..rounds {
        if let Some(done) = state.round(options.exact)? {
            return Ok(state.finish(done, left));
        }
    }
    Err(ImportError::Nothing(
        "nothing that was proposed is accepted".into(),
    ))
}

/// A project without errors.
struct Done {
    rendered: Vec<Rendered>,
    files: Files,
    kept: BTreeMap<String, Vec<ObjectKey>>,
    sides: Sides,
}

impl State<'_> {
    /// One try; none where something had to be given up.
    fn round(&mut self, exact: bool) -> Result<Option<Done>, ImportError> {
        let mut files = self.files();
        let judged = project::judge(&files)?;
        if !judged.errors.is_empty() {
            self.give_up(judged.errors)?;
            return Ok(None);
        }
        let sides = self.sides(&judged.rendered);
        if exact && self.drop_changed(&sides, &judged.rendered) {
            return Ok(None);
        }
        let kept = self.kept(&sides);
        if kept.is_empty() {
            return Ok(Some(Done {
                rendered: judged.rendered,
                files,
                kept,
                sides,
            }));
        }
        let found = &self.intake.found.objects;
        let as_they_are: Kept<'_> = kept
            .iter()
            .map(|(owner, keys)| {
                (
                    owner.clone(),
                    keys.iter()
                        .filter_map(|key| found.get_key_value(key))
                        .collect(),
                )
            })
            .collect();
        files.extend(project::kept_files(&as_they_are)?);
        let judged = project::judge(&files)?;
        if judged.errors.is_empty() {
            let sides = self.sides(&judged.rendered);
            return Ok(Some(Done {
                rendered: judged.rendered,
                files,
                kept,
                sides,
            }));
        }
        self.give_up_kept(&kept, judged.errors)?;
        Ok(None)
    }

    /// Of several that would have the same name, the first becomes a resource.
    fn name_once(&mut self) {
        let mut paths = BTreeSet::new();
        let (kept, others): (Vec<Draft>, Vec<Draft>) = std::mem::take(&mut self.drafts)
            .into_iter()
            .partition(|draft| paths.insert(project::path(draft)));
        self.drafts = kept;
        for draft in &others {
            self.dropped(draft, "the tenant has another one of this name");
        }
    }

    fn files(&self) -> Files {
        let mut files =
            Files::from([(crate::kinds::project::FILE.to_owned(), self.project.clone())]);
        files.extend(
            self.drafts
                .iter()
                .map(|draft| (project::path(draft), project::written(draft))),
        );
        files
    }

    fn sides(&self, rendered: &[Rendered]) -> Sides {
        // A gateway that nobody wrote is no object that was found.
        let unwritten: Vec<ObjectKey> = self.unwritten().cloned().collect();
        Sides::new(
            &self.found.objects,
            &self.drafts,
            &unwritten,
            &objects(rendered),
        )
    }

    fn unwritten(&self) -> impl Iterator<Item = &ObjectKey> {
        let found = &self.intake.found.objects;
        self.found
            .objects
            .keys()
            .filter(|key| key.group_kind.kind == "Gateway" && !found.contains_key(*key))
    }

    /// Gives up the drafts that errors are about.
    fn give_up(&mut self, errors: Vec<(Option<String>, Diagnostic)>) -> Result<(), ImportError> {
        let mut by_path: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
        let mut others = Vec::new();
        for (path, problem) in errors {
            match path.filter(|path| self.drafts.iter().any(|d| project::path(d) == *path)) {
                Some(path) => by_path.entry(path).or_default().push(problem),
                None => others.push(problem.message),
            }
        }
        if by_path.is_empty() {
            return Err(ImportError::Refused(others));
        }
        let (mut kept, mut stuck) = (Vec::new(), Vec::new());
        for mut draft in std::mem::take(&mut self.drafts) {
            let Some(problems) = by_path.get(&project::path(&draft)) else {
                kept.push(draft);
                continue;
            };
            if draft.kind == "tenant" {
                match simplified(&mut draft, problems) {
                    true => kept.push(draft),
                    false => stuck.extend(
                        problems
                            .iter()
                            .map(|problem| format!("tenant {}: {}", draft.name, problem.message)),
                    ),
                }
                continue;
            }
            self.dropped(&draft, &in_words(problems));
        }
        self.drafts = kept;
        if stuck.is_empty() {
            Ok(())
        } else {
            Err(ImportError::Refused(stuck))
        }
    }

    /// A draft is gone: its object stays as it is, and here is why.
    fn dropped(&mut self, draft: &Draft, why: &str) {
        let word = |field: &str| draft.fields.get(field).and_then(Value::as_str);
        let (tenant, inside) = (word("tenant"), word("namespace"));
        let own = self.found.objects.keys().filter(|key| {
            let place = key
                .namespace
                .as_ref()
                .and_then(|namespace| self.found.places.get(namespace));
            key.name == draft.name
                && (tenant.is_none() || place.map(|p| p.tenant.as_str()) == tenant)
                && (inside.is_none() || place.and_then(|p| p.name.as_deref()) == inside)
        });
        for key in own.cloned().collect::<Vec<_>>() {
            self.given_up
                .entry(key)
                .or_insert_with(|| format!("as `{}` it is refused: {why}", draft.kind));
        }
    }

    /// Gives up every draft that renders anything otherwise; whether there was one.
    fn drop_changed(&mut self, sides: &Sides, rendered: &[Rendered]) -> bool {
        let mut changed: BTreeMap<ResourceId, String> = BTreeMap::new();
        for desired in rendered.iter().flat_map(|set| set.objects.values()) {
            let differences = sides.differences(&desired.manifest.key);
            let notable = differences
                .iter()
                .find(|d| !d.path.starts_with("metadata.labels"));
            if let Some(first) = notable {
                changed
                    .entry(desired.resource.clone())
                    .or_insert_with(|| format!("{} would change", first.path));
            }
        }
        let before = self.drafts.len();
        let (gone, kept): (Vec<Draft>, Vec<Draft>) = std::mem::take(&mut self.drafts)
            .into_iter()
            .partition(|draft| draft.kind != "tenant" && changed.contains_key(&id_of(draft)));
        self.drafts = kept;
        for draft in &gone {
            let why = changed.get(&id_of(draft)).cloned().unwrap_or_default();
            self.dropped(draft, &why);
        }
        self.drafts.len() < before
    }

    /// Objects that nothing renders, by the directory of their owner.
    fn kept(&mut self, sides: &Sides) -> BTreeMap<String, Vec<ObjectKey>> {
        let mut all: BTreeSet<ObjectKey> = BTreeSet::new();
        for key in self.found.objects.keys() {
            let mut names = self
                .drafts
                .iter()
                .flat_map(|d| &d.renamed)
                .filter(|(from, _)| from == key)
                .peekable();
            let target = names.peek().map_or(key, |(_, to)| to);
            if !sides.renders(target) && sides.stands(target) && !is_secret(key) {
                // What was in another form stays in that form.
                let translated = self
                    .translated
                    .iter()
                    .find(|t| t.to.iter().any(|(to, _)| to == key));
                all.insert(translated.map_or(key, |t| &t.from).clone());
            }
        }
        // A route that stays needs what it names.
        let named = all
            .iter()
            .filter_map(|key| Some((key, self.original(key)?)));
        let named: Vec<ObjectKey> = named
            .flat_map(|(key, body)| middlewares(key, body))
            .collect();
        all.extend(
            named
                .into_iter()
                .filter(|key| self.intake.found.objects.contains_key(key)),
        );
        let mut out: BTreeMap<String, Vec<ObjectKey>> = BTreeMap::new();
        for key in all
            .into_iter()
            .filter(|key| !self.refused.contains_key(key))
            .collect::<Vec<_>>()
        {
            if self.withholds(&key) {
                let why = "it holds a value that looks like a secret, and is written nowhere: move that into a Secret";
                self.refused.insert(key, why.into());
                continue;
            }
            let place = key
                .namespace
                .as_ref()
                .and_then(|namespace| self.found.places.get(namespace));
            let owner = match place.filter(|_| !self.platforms.contains(&key)) {
                Some(place) => format!("tenants/{}", place.tenant),
                None => PLATFORM.to_owned(),
            };
            out.entry(owner).or_default().push(key);
        }
        out
    }

    fn withholds(&self, key: &ObjectKey) -> bool {
        self.found.withheld.iter().any(|(own, ..)| own == key)
    }

    fn original(&self, key: &ObjectKey) -> Option<&Value> {
        self.intake.found.objects.get(key)
    }

    /// Objects as they are that were refused: first the platform tries to hold them, then nobody.
    fn give_up_kept(
        &mut self,
        kept: &BTreeMap<String, Vec<ObjectKey>>,
        errors: Vec<(Option<String>, Diagnostic)>,
    ) -> Result<(), ImportError> {
        let mut others = Vec::new();
        let mut moved = false;
        for (path, problem) in errors {
            let own = kept.iter().find_map(|(owner, keys)| {
                let key = keys
                    .iter()
                    .find(|key| Some(project::kept_path(owner, key)) == path)?;
                Some((owner, key))
            });
            match own {
                Some((owner, key)) if owner != PLATFORM => {
                    moved |= self.platforms.insert(key.clone());
                }
                Some((_, key)) => {
                    moved |= self
                        .refused
                        .insert(key.clone(), problem.message.clone())
                        .is_none();
                }
                None => others.push((path, problem)),
            }
        }
        match moved {
            true => Ok(()),
            false => self.give_up(others),
        }
    }
}

fn is_secret(key: &ObjectKey) -> bool {
    key.group_kind.group.is_empty() && key.group_kind.kind == "Secret"
}

/// One gateway for what two objects in another form need: the listeners of both.
fn join(gateway: &mut Value, other: &Value) {
    let Some(Value::Array(all)) = gateway.pointer_mut("/spec/listeners") else {
        return;
    };
    for listener in list(other, "/spec/listeners") {
        let same = |known: &Value| {
            ["protocol", "hostname", "port"]
                .iter()
                .all(|field| known.get(field) == listener.get(field))
        };
        if !all.iter().any(same) {
            let mut listener = listener.clone();
            listener["name"] = format!("https-{}", all.len()).into();
            all.push(listener);
        }
    }
}

/// The Middlewares that a route names.
fn middlewares(key: &ObjectKey, body: &Value) -> Vec<ObjectKey> {
    let namespace = key.namespace.as_deref().unwrap_or_default();
    let filters = list(body, "/spec/rules").flat_map(|rule| list(rule, "/filters"));
    let of_filters = filters.filter_map(|filter| text(filter, "/extensionRef/name"));
    let of_routes = list(body, "/spec/routes").flat_map(|route| list(route, "/middlewares"));
    let of_routes = of_routes.filter_map(|middleware| text(middleware, "/name"));
    of_filters
        .chain(of_routes)
        .map(|name| import::key(("traefik.io", "Middleware"), namespace, name))
        .collect()
}

fn objects(rendered: &[Rendered]) -> Side {
    let all = rendered.iter().flat_map(|set| set.objects.values());
    all.map(|desired| (desired.manifest.key.clone(), desired.manifest.body.clone()))
        .collect()
}

fn id_of(draft: &Draft) -> ResourceId {
    ResourceId {
        kind: draft.kind.to_owned(),
        tenant: draft
            .fields
            .get("tenant")
            .and_then(Value::as_str)
            .map(str::to_owned),
        name: draft.name.clone(),
    }
}

/// Takes one part out of a tenant that is refused: the one that the problems are about, else the next.
fn simplified(draft: &mut Draft, problems: &[Diagnostic]) -> bool {
    let Some(fields) = draft.fields.as_object_mut() else {
        return false;
    };
    let about = PARTS.iter().find(|part| {
        problems.iter().any(|p| p.message.contains(*part)) && fields.contains_key(**part)
    });
    let part = about.or_else(|| PARTS.iter().find(|part| fields.contains_key(**part)));
    let Some(part) = part else { return false };
    fields.shift_remove(*part);
    let why = in_words(problems);
    draft
        .notes
        .push(format!("`{part}` could not be taken: {why}"));
    true
}

fn in_words(problems: &[Diagnostic]) -> String {
    let words: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .take(3)
        .collect();
    words.join("; ")
}
