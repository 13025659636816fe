//! What a kind's check found: diagnostics on the fields of one resource, and claims to names that
//! only one resource of the platform may have.

use serde::{Deserialize, Serialize};

use crate::dsl::diagnostic::{Code, Diagnostic, Span};
use crate::dsl::node::Node;

/// A name that a resource takes for itself in a space shared by all owners, such as a host name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// The space, in words that fit "the SPACE `NAME` is taken twice": `host`, `namespace`.
    pub space: String,
    /// The name.
    pub name: String,
    /// Who else may hold it: claims of equal `within` do not clash (paths below one host).
    pub within: String,
    /// Whether the same name in two environments clashes as well.
    pub across_environments: bool,
    /// The environment and cluster.
    pub environment: String,
    /// The cluster.
    pub cluster: String,
    /// The resource, as in `route/payments/checkout`.
    pub holder: String,
    /// Where it is written.
    pub at: Span,
}

/// A resource of a tenant that another owner's resource names. Whether it exists is settled when all
/// owners are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Its kind.
    pub kind: &'static str,
    /// Its tenant.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// Where it is named.
    pub at: Span,
}

/// Collects what one resource's check says.
#[derive(Debug)]
pub struct Findings<'a> {
    node: &'a Node,
    /// Resources of tenants that must exist.
    pub mentions: Vec<Mention>,
    /// Problems.
    pub diagnostics: Vec<Diagnostic>,
    /// Claims.
    pub claims: Vec<Claim>,
}

impl<'a> Findings<'a> {
    /// For the resource with this tree.
    pub fn new(node: &'a Node) -> Self {
        Self {
            node,
            mentions: Vec::new(),
            diagnostics: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// An error on the value of a field, or of the nearest field above it that was written.
    pub fn error(&self, code: Code, pointer: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.value(pointer), message)
    }

    /// An error on the name of a field.
    pub fn error_on_name(
        &self,
        code: Code,
        pointer: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, self.name(pointer), message)
    }

    /// Where a field's value stands.
    pub fn value(&self, pointer: &str) -> Span {
        match pointer {
            "" => self.node.place.key,
            _ => self.node.nearest(pointer).place.value,
        }
    }

    /// Where a field's name stands.
    pub fn name(&self, pointer: &str) -> Span {
        self.node.nearest(pointer).place.key
    }

    /// Whether a field was written in some layer.
    pub fn written(&self, pointer: &str) -> bool {
        self.node.at(pointer).is_some()
    }

    /// Says of each of these fields that was written that it would change nothing: the thing exists already.
    pub fn idle(&mut self, code: Code, what: &str, fields: &[&str]) {
        for field in fields {
            let at = format!("/{field}");
            if self.written(&at) {
                let message = format!("`{field}` would change nothing: the {what} exists already");
                let finding = self.error_on_name(code, &at, message);
                self.push(finding.help("remove it, or `external`"));
            }
        }
    }

    /// Adds a diagnostic: `out.push(out.error(…).help(…))`.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Says that the field at `pointer` names a resource of a tenant.
    pub fn mention(&mut self, kind: &'static str, tenant: &str, name: &str, pointer: &str) {
        self.mentions.push(Mention {
            kind,
            tenant: tenant.to_owned(),
            name: name.to_owned(),
            at: self.value(pointer),
        });
    }

    /// Adds a claim.
    pub fn claim(&mut self, claim: Claim) {
        self.claims.push(claim);
    }
}
