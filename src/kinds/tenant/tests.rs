//! Tenants: what they render to and what is wrong with them.
