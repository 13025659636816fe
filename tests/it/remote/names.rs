//! Names of hosts that lead where only the operator may point.

use kubemate::adapters::git::http;
use kubemate::adapters::reach::Reach;

use super::Bed;

#[test]
fn s_11_a_name_that_leads_to_this_machine_is_not_asked() {
    let bed = Bed::new();
    let port = bed.host.address.rsplit(':').next().unwrap();
    let url = format!("http://localhost:{port}/org/r.git/info/refs?service=git-upload-pack");
    for reach in [Reach::Outside, Reach::Anywhere] {
        let client = http::client(Vec::new(), reach).unwrap();
        let answer = bed.host.runtime.block_on(client.get(&url).send());
        let Err(error) = answer else {
            assert_eq!(reach, Reach::Anywhere);
            continue;
        };
        assert_eq!(reach, Reach::Outside, "{error:?}");
        assert!(
            format!("{error:?}").contains("allow it by name"),
            "{error:?}"
        );
        assert_eq!(bed.host.asked().len(), 0);
    }
    assert_eq!(bed.host.asked().len(), 1);
}
