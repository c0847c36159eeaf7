//! Runs exported policies on a review, by kube's CEL, as the API server's dispatcher does
//! (kubernetes `staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use k8s_openapi::api::admissionregistration::v1::{
    MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::core::cel::KubeCelExt as _;
use kube::core::cel::cel::objects::{Key, Map};
use kube::core::cel::cel::{Context, ExecutionError, Program, Value as CelValue};
use serde_json::Value;
use tokenward::install::Object;
use tokenward::install::validating_admission_policy::Export;

thread_local! {
    /// Reading an expression takes much longer than running it, and most are run on many reviews.
    static PROGRAMS: RefCell<HashMap<String, Program>> = RefCell::default();
}

/// A check that does not hold under a binding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    /// Such as `TW101`.
    pub(super) code: String,
    /// `Deny`, or `Warn` and `Audit`.
    pub(super) actions: Vec<String>,
    pub(super) message: String,
}

/// What the policies of an export say of the `request` of an AdmissionReview in a namespace that `label` judges. An expression
/// that ends in an error ends the test.
pub(super) fn violations(export: &Export, label: &str, request: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    for policy in export.objects().filter_map(policy) {
        let name = policy.metadata.name.as_deref().unwrap();
        if name.split('.').next() != Some(label) {
            continue;
        }
        let of_policy = |binding: &&ValidatingAdmissionPolicyBinding| {
            binding.spec.as_ref().unwrap().policy_name.as_deref() == Some(name)
        };
        for binding in export.objects().filter_map(binding).filter(of_policy) {
            let binding = binding.spec.as_ref().unwrap();
            if !is_for(policy, binding.match_resources.as_ref().unwrap(), request) {
                continue;
            }
            for message in failed(policy, request) {
                let code = message[..5].to_owned();
                violations.push(Violation { code, actions: binding.validation_actions.clone().unwrap(), message });
            }
        }
    }
    violations
}

pub(super) fn policy(object: &Object) -> Option<&ValidatingAdmissionPolicy> {
    match object {
        Object::ValidatingAdmissionPolicy(policy) => Some(policy),
        _ => None,
    }
}

pub(super) fn binding(object: &Object) -> Option<&ValidatingAdmissionPolicyBinding> {
    match object {
        Object::ValidatingAdmissionPolicyBinding(binding) => Some(binding),
        _ => None,
    }
}

fn is_for(policy: &ValidatingAdmissionPolicy, binding: &MatchResources, request: &Value) -> bool {
    let constraints = policy.spec.as_ref().unwrap().match_constraints.as_ref().unwrap();
    let among = |rules: &Option<Vec<NamedRuleWithOperations>>| {
        rules.as_ref().is_none_or(|rules| rules.iter().any(|rule| is_of(rule, request)))
    };
    among(&constraints.resource_rules) && among(&binding.resource_rules)
}

fn is_of(rule: &NamedRuleWithOperations, request: &Value) -> bool {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resource = match request["subResource"].as_str() {
        Some(sub) if !sub.is_empty() => format!("{}/{sub}", text("/resource/resource")),
        _ => text("/resource/resource"),
    };
    let has = |words: &Option<Vec<String>>, word: String| words.as_ref().unwrap().contains(&word);
    has(&rule.api_groups, text("/resource/group"))
        && has(&rule.resources, resource)
        && has(&rule.operations, text("/operation"))
}

/// The messages of the checks that do not hold.
pub(super) fn failed(policy: &ValidatingAdmissionPolicy, request: &Value) -> Vec<String> {
    let name = policy.metadata.name.as_deref().unwrap();
    let spec = policy.spec.as_ref().unwrap();
    let mut context = Context::default().with_all();
    context.add_function("dyn", |value: CelValue| Ok::<_, ExecutionError>(value));
    context.add_variable_from_value("request", value(request));
    context.add_variable_from_value("object", value(&request["object"]));
    context.add_variable_from_value("oldObject", value(&request["oldObject"]));
    for condition in spec.match_conditions.iter().flatten() {
        if !is_true(name, &condition.expression, &context) {
            return Vec::new();
        }
    }
    let mut variables: HashMap<Key, CelValue> = HashMap::new();
    for variable in spec.variables.iter().flatten() {
        context.add_variable_from_value("variables", map(variables.clone()));
        let result = run(name, &variable.expression, &context);
        variables.insert(Key::String(Arc::new(variable.name.clone())), result);
    }
    context.add_variable_from_value("variables", map(variables));
    let mut messages = Vec::new();
    for validation in spec.validations.iter().flatten() {
        // Asked for where the check holds, too: it must be total.
        let message = match run(name, validation.message_expression.as_ref().unwrap(), &context) {
            CelValue::String(message) => message.as_ref().clone(),
            other => panic!("{name}: no text but {other:?}"),
        };
        if !is_true(name, &validation.expression, &context) {
            messages.push(message);
        }
    }
    messages
}

fn is_true(name: &str, expression: &str, context: &Context<'_>) -> bool {
    match run(name, expression, context) {
        CelValue::Bool(holds) => holds,
        other => panic!("{name}: neither true nor false but {other:?} is\n{expression}"),
    }
}

fn run(name: &str, expression: &str, context: &Context<'_>) -> CelValue {
    PROGRAMS.with_borrow_mut(|programs| {
        let program = programs.entry(expression.to_owned()).or_insert_with(|| {
            Program::compile(expression).unwrap_or_else(|error| panic!("{name}: {error}\n{expression}"))
        });
        program.execute(context).unwrap_or_else(|error| panic!("{name}: {error}\n{expression}"))
    })
}

fn map(entries: HashMap<Key, CelValue>) -> CelValue {
    CelValue::Map(Map { map: Arc::new(entries) })
}

/// JSON as the API server hands it to CEL: whole numbers are signed.
fn value(json: &Value) -> CelValue {
    match json {
        Value::Null => CelValue::Null,
        Value::Bool(value) => CelValue::Bool(*value),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| CelValue::Float(number.as_f64().unwrap()), CelValue::Int)
        }
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(items) => CelValue::List(Arc::new(items.iter().map(value).collect())),
        Value::Object(fields) => {
            map(fields.iter().map(|(key, field)| (Key::String(Arc::new(key.clone())), value(field))).collect())
        }
    }
}
