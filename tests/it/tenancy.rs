//! Tenancy proven from inside: what somebody with a tenant's rights may try to get out of the tenant, and
//! who stops it. Each row of one table is written into the tenant's own files, where it is an error at its
//! line, and then sent to a real API server without kubemate, where the server says no.
//!
//! `docs/reference/tenancy.md` is written from the same rows.

mod book;
mod bound;
mod drift;
mod fixture;
mod kept;
mod kinds;
mod leaving;
mod nodes;
mod operators;
mod rows;
mod rules;
