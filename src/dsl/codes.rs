//! The catalogue of error codes: what each means, with one example that fails and one that does not.
//!
//! `explain`, the reference and the tests read the same table. A code is never reused.
//!
//! | range | about |
//! |---|---|
//! | 1–29 | limits and syntax of one file |
//! | 100–199 | the form of a node |
//! | 200–299 | one field against the schema |
//! | 300–399 | composing: let, profile, use, in |
//! | 400–499 | names, references, ownership, tree |
//! | 500–599 | rules across the fields of a kind |
//! | 600–699 | rendering |
//! | 700–799 | dangers and refusals of a plan |
//! | 800–899 | cluster and API server |
//! | 900–999 | workers, Git, forges |

use super::diagnostic::Code;

/// A file over the size limit.
pub const FILE_TOO_LARGE: Code = Code(1);
/// Blocks nested too deep.
pub const TOO_DEEP: Code = Code(2);
/// Too many tokens in one file.
pub const TOO_MANY_TOKENS: Code = Code(3);
/// `/-` inside a part that `/-` already removes, or twice in a row.
pub const NESTED_SLASHDASH: Code = Code(4);
/// A string over the size limit.
pub const STRING_TOO_LONG: Code = Code(5);
/// A comment that is never closed.
pub const OPEN_COMMENT: Code = Code(10);
/// A `}` without its `{`.
pub const STRAY_CLOSE: Code = Code(11);
/// A string that is never closed.
pub const OPEN_STRING: Code = Code(12);
/// A character that must be inside quotes.
pub const NEEDS_QUOTES: Code = Code(13);
/// A block that is never closed.
pub const OPEN_BLOCK: Code = Code(14);
/// Any other syntax error.
pub const SYNTAX: Code = Code(15);
/// An invisible or direction-changing character.
pub const INVISIBLE: Code = Code(16);
/// A bare word of letters that look alike but belong to different scripts.
pub const MIXED_SCRIPT: Code = Code(17);
/// A raw string in the form of KDL 1.
pub const KDL1_RAW_STRING: Code = Code(18);
/// Two values without a space between them.
pub const MISSING_SPACE: Code = Code(19);
/// A keyword of KDL 1.
pub const KDL1_KEYWORD: Code = Code(20);
/// A bare word that starts with a digit, such as `512Mi`.
pub const BARE_UNIT: Code = Code(21);
/// A bare word with a `/`.
pub const BARE_PATH: Code = Code(22);
/// A number that cannot be read.
pub const BAD_NUMBER: Code = Code(23);
/// A comma or colon as in JSON or YAML.
pub const FOREIGN_PUNCTUATION: Code = Code(24);
/// Quotes that are not `"`.
pub const WRONG_QUOTES: Code = Code(25);
/// A comment as in YAML or shell.
pub const FOREIGN_COMMENT: Code = Code(26);
/// An escape that KDL does not know.
pub const BAD_ESCAPE: Code = Code(27);
/// A string between `"""` fences with a wrong form.
pub const BAD_FENCE: Code = Code(28);
/// A list in brackets.
pub const BRACKET_LIST: Code = Code(29);

/// A field that is written twice in one layer.
pub const SET_TWICE: Code = Code(102);
/// A node without the value or name it needs.
pub const NEEDS_VALUE: Code = Code(103);
/// More positional values than the node takes.
pub const TOO_MANY_VALUES: Code = Code(104);
/// A property, value or block where the node takes none.
pub const NO_PLACE: Code = Code(105);
/// A type annotation that means nothing.
pub const UNKNOWN_MARK: Code = Code(106);

/// A name that is no field of its node.
pub const UNKNOWN_FIELD: Code = Code(201);
/// A required field that is not set.
pub const MISSING_FIELD: Code = Code(202);
/// A word outside a fixed list.
pub const NOT_ONE_OF: Code = Code(203);
/// A value that its field's grammar refuses.
pub const BAD_VALUE: Code = Code(204);
/// Text for a number, a number for a block and the like.
pub const WRONG_TYPE: Code = Code(205);
/// A name that cannot be one.
pub const BAD_NAME: Code = Code(206);
/// A number or count outside its limits.
pub const OUT_OF_RANGE: Code = Code(207);

/// `${name}` that nothing defines.
pub const UNKNOWN_VARIABLE: Code = Code(301);
/// `${` without `}`.
pub const OPEN_VARIABLE: Code = Code(302);
/// `(remove)` or `(replace)` of something that is not there.
pub const HITS_NOTHING: Code = Code(303);
/// An `in` block for a resource that does not exist.
pub const NO_SUCH_RESOURCE: Code = Code(304);
/// An environment or cluster that the project does not have.
pub const UNKNOWN_ENVIRONMENT: Code = Code(305);
/// A `let` that hides a built-in name.
pub const BUILT_IN: Code = Code(306);
/// Values that are made of each other.
pub const VARIABLE_CYCLE: Code = Code(307);
/// Text over the limit after replacement.
pub const TEXT_TOO_LONG: Code = Code(308);
/// A profile that does not exist.
pub const UNKNOWN_PROFILE: Code = Code(310);
/// A profile that uses itself.
pub const USE_CYCLE: Code = Code(311);
/// Too many levels of `use`.
pub const USE_TOO_DEEP: Code = Code(312);
/// A parameter that a profile does not have, or that is not given.
pub const UNKNOWN_PARAMETER: Code = Code(313);
/// A resource with too many values.
pub const TOO_MANY_FIELDS: Code = Code(314);

/// A repository without a project node.
pub const NO_PROJECT: Code = Code(400);
/// A top-level node of no known kind.
pub const UNKNOWN_KIND: Code = Code(401);
/// An include that matches no file.
pub const IDLE_INCLUDE: Code = Code(402);
/// Two paths that are the same on some machines.
pub const CLASHING_PATHS: Code = Code(403);
/// The same kind and name twice.
pub const DUPLICATE: Code = Code(404);
/// A reference to something that does not exist.
pub const DANGLING: Code = Code(405);
/// A reference to something another tenant does not export.
pub const NOT_EXPORTED: Code = Code(406);
/// A rule of ownership that says nothing or two things.
pub const OWNERSHIP: Code = Code(410);
/// A resource on a path of another owner.
pub const WRONG_PATH: Code = Code(411);
/// A kind that only the platform may write.
pub const PLATFORM_ONLY: Code = Code(412);
/// A name that two resources of the platform claim.
pub const CLAIMED_TWICE: Code = Code(413);
/// A host that is the same in two environments.
pub const SAME_IN_ENVIRONMENTS: Code = Code(414);
/// A file that cannot be used: not text, a link, too large, unreadable.
pub const UNUSABLE_FILE: Code = Code(420);
/// A tree over its limits.
pub const TREE_TOO_LARGE: Code = Code(421);
/// A broken internal promise between schema and types.
pub const INTERNAL: Code = Code(499);

/// A store that lets a tenant read everything.
pub const STORE_TOO_WIDE: Code = Code(501);

/// An image without a version on some target.
pub const NO_VERSION: Code = Code(510);
/// A namespace that the tenant does not have, or none where it has several.
pub const WHICH_NAMESPACE: Code = Code(511);
/// An environment variable with no value, with two, or with half a reference.
pub const ENV_SOURCE: Code = Code(512);
/// A literal in a variable that looks like a secret.
pub const SECRET_LITERAL: Code = Code(513);
/// A key that the secret does not offer.
pub const NO_SUCH_KEY: Code = Code(514);
/// A secret of another tenant, which no pod can read.
pub const FOREIGN_SECRET: Code = Code(515);
/// A port, volume or configuration that the same resource does not declare.
pub const UNKNOWN_PART: Code = Code(516);
/// A probe that cannot be asked.
pub const PROBE: Code = Code(517);
/// A limit below its request.
pub const LIMIT_BELOW: Code = Code(518);
/// Two containers of a name, or two ports of a name or number, in one pod.
pub const SAME_IN_POD: Code = Code(519);
/// Two mounts at one path.
pub const SAME_MOUNT: Code = Code(520);
/// A volume that is two things, or lacks what it needs.
pub const VOLUME: Code = Code(521);
/// Something that opens the node, written by a tenant.
pub const OPENS_NODE: Code = Code(522);
/// A time that is no whole number of seconds where the cluster counts in them.
pub const NOT_SECONDS: Code = Code(523);
/// A file of configuration without content, with two, or that cannot be read.
pub const CONFIG_FILE: Code = Code(524);
/// Replicas and autoscaling together.
pub const REPLICAS_AND_AUTOSCALE: Code = Code(530);
/// Bounds of autoscaling in the wrong order.
pub const AUTOSCALE_BOUNDS: Code = Code(531);
/// A metric that cannot be computed.
pub const METRIC: Code = Code(532);
/// A field that does not fit the workload.
pub const UNFIT_FIELD: Code = Code(533);
/// A rollout that says what its strategy cannot do, or lacks what it needs.
pub const ROLLOUT: Code = Code(534);
/// A digest of another version.
pub const STALE_DIGEST: Code = Code(535);
/// Apps that wait for each other.
pub const NEEDS_CYCLE: Code = Code(536);
/// A volume of one node for pods on several.
pub const VOLUME_OF_ONE_NODE: Code = Code(537);
/// A budget, task or shutdown that contradicts itself.
pub const CONTRADICTION: Code = Code(538);
/// A name that becomes too long in the cluster.
pub const NAME_TOO_LONG: Code = Code(539);

/// A name that Kubernetes or kubemate keeps for itself.
pub const RESERVED_NAME: Code = Code(541);
/// Two listeners on one port and host.
pub const LISTENER_CLASH: Code = Code(543);
/// A listener whose fields do not fit together.
pub const LISTENER_FORM: Code = Code(544);
/// A network rule that names nobody, or two.
pub const NETWORK_RULE: Code = Code(545);
/// A rule that says nothing new.
pub const COVERED: Code = Code(546);
/// A network rule that the other side does not let through.
pub const ONE_SIDED: Code = Code(547);
/// More than a quota allows.
pub const OVER_QUOTA: Code = Code(548);
/// Limits that no container can keep.
pub const BAD_LIMITS: Code = Code(549);
/// A moment without a zone or with two.
pub const WHICH_ZONE: Code = Code(550);
/// A span of time that ends before it starts, or a moment that no clock shows.
pub const IMPOSSIBLE_TIME: Code = Code(551);
/// An approval that nobody, or not enough people, can give.
pub const NO_APPROVERS: Code = Code(552);
/// A registry's host that another registry has already.
pub const HOST_TWICE: Code = Code(553);
/// A role that reaches over the borders of a tenant.
pub const ROLE_TOO_WIDE: Code = Code(554);
/// A secret that its store does not let the tenant read.
pub const STORE_REFUSES: Code = Code(555);
/// A secret without a source, or with two.
pub const SECRET_SOURCE: Code = Code(556);
/// A resource that rules out nothing and allows nothing.
pub const NO_EFFECT: Code = Code(557);
/// A gateway class that is one tenant's alone and used by another.
pub const CLASS_NOT_SHARED: Code = Code(558);
/// Something that this version of kubemate does not do.
pub const NOT_SUPPORTED: Code = Code(559);

/// A host or protocol that no listener of the gateway serves.
pub const NO_LISTENER: Code = Code(570);
/// Something that cannot take the traffic of a route: no Service, no such port, another namespace.
pub const BACKEND: Code = Code(571);
/// A rule that leads nowhere, to two things, or to one thing twice.
pub const ROUTE_RULE: Code = Code(572);
/// Two rules that match the same requests.
pub const SAME_MATCH: Code = Code(573);
/// A retry that could do a thing twice.
pub const RETRY: Code = Code(574);
/// Something that the gateway's class would silently ignore.
pub const GATEWAY_IGNORES: Code = Code(575);
/// A field that means nothing in the route's protocol.
pub const UNFIT_PROTOCOL: Code = Code(576);
/// A redirect or rewrite that cannot be done.
pub const REWRITE: Code = Code(577);
/// A policy that says nothing, or contradicts itself.
pub const POLICY: Code = Code(578);
/// A route with more parts than the cluster takes.
pub const ROUTE_TOO_LARGE: Code = Code(579);
/// A pattern of files that matches none.
pub const NO_SUCH_FILES: Code = Code(580);
/// A storage class or volume that contradicts itself.
pub const STORAGE: Code = Code(581);

/// A worker that died, timed out or made no sense.
pub const WORKER_FAILED: Code = Code(901);

/// A resource that its template cannot render.
pub const CANNOT_RENDER: Code = Code(601);
/// The same object from two resources.
pub const RENDERED_TWICE: Code = Code(602);
/// An object that its owner may not write.
pub const FORBIDDEN_OBJECT: Code = Code(603);
/// A set with too many objects.
pub const TOO_MANY_OBJECTS: Code = Code(604);
/// A manifest that cannot be used as it is written.
pub const BAD_MANIFEST: Code = Code(605);
