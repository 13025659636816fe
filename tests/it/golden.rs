//! Upstream's own examples, said in KDL: what becomes of our words is what upstream's authors wrote.
//!
//! Both sides are sent to a real API server as dry runs, which judges them by upstream's schemas and
//! fills in its defaults; then they must be equal. What else may differ is written down: in
//! [`normal`] for all examples of a project, and in a case for what is its own. Examples that were
//! left behind by their own projects are refused, and it is said why.

mod case;
mod certificates;
mod flagger;
mod gateway;
mod keda;
mod normal;
mod secrets;
mod stale;
mod traefik;
