//! A policy file: what is accepted can be shown, and what is shown means the same.

use tokenward::config::{Source, parse_policies, show_exception, show_policy};
use tokenward::policy::PolicySet;

pub(super) fn read(data: &[u8]) {
    match parse_policies(&[Source::new("policy.yaml", data)]) {
        Ok(policies) => {
            let shown = show(&policies);
            let again = parse_policies(&[Source::new("shown.yaml", shown.clone())]).unwrap();
            assert_eq!(show(&again), shown);
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.render().is_empty()),
    }
}

fn show(policies: &PolicySet) -> String {
    let exceptions = policies.exceptions().all().iter().map(show_exception);
    policies
        .iter()
        .map(show_policy)
        .chain(exceptions)
        .map(|document| format!("---\n{document}"))
        .collect::<Vec<_>>()
        .concat()
}
