//! The reviews that are measured: a Pod as a real API server sent it, and larger ones made from it.

use tokenward::policy::Phase;

/// A Pod of two containers whose account says that it automounts nothing, before and after it was injected.
const BEFORE: &str = include_str!("../fixtures/reviews/baseline.mutate.create-pods-realistic.json");
const AFTER: &str = include_str!("../fixtures/reviews/baseline.validate.create-pods-realistic.json");

/// The review of a Pod of some 6 KB, with three containers.
pub(crate) fn small_pod(phase: Phase) -> String {
    pod_with(1, 12, phase)
}

/// The review of a Pod of some 66 KB, with fourteen containers.
pub(crate) fn large_pod(phase: Phase) -> String {
    pod_with(12, 66, phase)
}

/// The recorded Pod with so many containers more, each with so many variables. The text is put together as it is, since the
/// order of its fields counts: the API server writes `resource` before `object`.
fn pod_with(containers: usize, variables: usize, phase: Phase) -> String {
    let (recorded, mount) = match phase {
        Phase::Mutate => (BEFORE, ""),
        Phase::Validate => (
            AFTER,
            r#"{"name":"tokenward-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"},"#,
        ),
    };
    let more: String = (0..containers).map(|index| container(index, variables, mount) + ",").collect();
    let list = "\"containers\":[";
    let review = recorded.replacen(list, &(list.to_owned() + &more), 1);
    assert_ne!(review, recorded, "the recorded review has a list of containers");
    review
}

fn container(index: usize, variables: usize, mount: &str) -> String {
    let environment: Vec<String> = (0..variables)
        .map(|number| format!(r#"{{"name":"SETTING_{number}","value":"a value of ordinary length, number {number}"}}"#))
        .collect();
    format!(
        concat!(
            r#"{{"name":"worker-{index}","image":"registry.example.com/team/worker:1.4.{index}","env":[{environment}],"#,
            r#""resources":{{"limits":{{"memory":"256Mi"}},"requests":{{"cpu":"100m","memory":"128Mi"}}}},"#,
            r#""volumeMounts":[{mount}{{"name":"cache","mountPath":"/cache"}},{{"name":"cache","mountPath":"/tmp","subPath":"tmp"}}],"#,
            r#""terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}}"#
        ),
        index = index,
        mount = mount,
        environment = environment.join(","),
    )
}
