//! The table: what is taken and how it is stored, what is refused and how that is told.

use std::collections::{BTreeMap, BTreeSet};

use netreach_tests::Finished;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ground::{Ground, warnings};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    name: String,
    spec: Value,
    #[serde(default)]
    also: Value,
    #[serde(default)]
    warned: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Refused {
    name: String,
    /// The object's name, where that is the matter.
    r#as: Option<String>,
    spec: Value,
    paths: BTreeSet<String>,
    #[serde(default)]
    says: String,
}

#[derive(Deserialize)]
struct Updates {
    from: Value,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: String,
    spec: Value,
    #[serde(default)]
    paths: BTreeSet<String>,
}

fn read<T: serde::de::DeserializeOwned>(yaml: &str) -> T {
    serde_saphyr::from_str(yaml).unwrap()
}

/// What is stored of a spec: the defaults under what was written.
pub(crate) fn stored(written: &Value, also: &Value) -> Value {
    let mut stored: Value = read(include_str!("defaults.yaml"));
    for over in [also, written] {
        lay(&mut stored, over);
    }
    stored
}

/// Lays one value over another, as a merge patch does: `null` takes away.
fn lay(under: &mut Value, over: &Value) {
    match over {
        Value::Object(over) => {
            if !under.is_object() {
                *under = Value::Object(Map::new());
            }
            for (key, value) in over.iter().filter(|(_, value)| !value.is_null()) {
                lay(&mut under[key], value);
            }
            let gone = over.iter().filter(|(_, value)| value.is_null());
            gone.for_each(|(key, _)| _ = under.as_object_mut().unwrap().remove(key));
        }
        Value::Null => {}
        // The server writes a whole number without a fraction.
        Value::Number(number) if number.as_f64().is_some_and(|float| float.fract() == 0.0) => {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and small in these tables")]
            let whole = number.as_i64().unwrap_or(number.as_f64().unwrap() as i64);
            *under = json!(whole);
        }
        other => *under = other.clone(),
    }
}

/// The paths a refusal names: each fault is a line of its own, or the only one.
fn told(refused: &Finished) -> BTreeSet<String> {
    let unknown = refused.err.split("unknown field \"").skip(1).filter_map(|rest| rest.split('"').next());
    let lines = refused.err.lines().filter_map(|line| {
        let fault = line.strip_prefix("* ").or_else(|| Some(line.split_once("is invalid: ")?.1))?;
        fault.split_once(": ").map(|(path, _)| path)
    });
    unknown.chain(lines).map(str::to_owned).collect()
}

/// What is wrong with a refusal, if anything.
fn refused_otherwise(answer: &Finished, paths: &BTreeSet<String>, says: &str) -> Option<String> {
    let is_right = answer.code == 1 && told(answer) == *paths && answer.err.contains(says);
    (!is_right).then(|| format!("wanted {paths:?} and {says:?}, told {:?}: {answer:?}", told(answer)))
}

/// Stored otherwise than wanted: the parts that differ.
fn differences(found: &Value, wanted: &Value, path: &str) -> Vec<String> {
    let (Value::Object(one), Value::Object(other)) = (found, wanted) else {
        let differ = found != wanted;
        return differ.then(|| format!("{path} is {found}, wanted {wanted}")).into_iter().collect();
    };
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let each =
        keys.into_iter().flat_map(|key| differences(&found[key], &wanted[key], &format!("{path}.{key}")));
    each.collect()
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_right_is_stored_as_written() {
    let ground = Ground::shared();
    let cases: Vec<Accepted> = read(include_str!("accepted.yaml"));
    let mut wrong = Vec::new();
    for Accepted { name, spec, warned, .. } in &cases {
        let answer = ground.apply(name, spec);
        let found = warnings(&answer);
        let begin_right = found.iter().zip(warned).all(|(warning, begins)| warning.starts_with(begins));
        if answer.code != 0 || found.len() != warned.len() || !begin_right {
            wrong.push(format!("{name}: wanted {warned:?}: {answer:?}"));
        }
    }
    let all = ground.kubectl.get("netreaches");
    let all = all["items"].as_array().unwrap().iter();
    let all: BTreeMap<_, _> =
        all.map(|one| (one["metadata"]["name"].as_str().unwrap(), &one["spec"])).collect();
    for Accepted { name, spec, also, .. } in &cases {
        let found = all.get(name.as_str()).copied().unwrap_or(&Value::Null);
        wrong.extend(differences(found, &stored(spec, also), name));
    }
    assert_none(&wrong);
}

#[test]
fn what_is_wrong_is_told_whole_and_not_stored() {
    let ground = Ground::shared();
    let cases: Vec<Refused> = read(include_str!("refused.yaml"));
    let mut wrong = Vec::new();
    for Refused { name, r#as, spec, paths, says } in &cases {
        let object = r#as.as_ref().unwrap_or(name);
        let otherwise = refused_otherwise(&ground.apply(object, spec), paths, says);
        wrong.extend(otherwise.map(|otherwise| format!("{name}: {otherwise}")));
    }
    let stored = ground.kubectl.ok("get netreaches -o name");
    let names: BTreeSet<_> =
        stored.lines().filter_map(|line| line.split_once('/')).map(|(_, name)| name).collect();
    wrong.extend(
        cases
            .iter()
            .filter(|case| names.contains(case.name.as_str()))
            .map(|case| format!("{} is stored", case.name)),
    );
    assert_none(&wrong);
}

#[test]
fn the_table_is_as_large_as_it_is_meant_to_be() {
    let accepted = read::<Vec<Accepted>>(include_str!("accepted.yaml")).len();
    let refused: Vec<Refused> = read(include_str!("refused.yaml"));
    let several = refused.iter().filter(|case| case.paths.len() > 1).count();
    println!(
        "admit: {} cases, {} refused ({several} in several ways)",
        accepted + refused.len(),
        refused.len()
    );
    assert!(accepted + refused.len() >= 80 && refused.len() >= 40 && several >= 10);
}

#[test]
fn a_net_reach_that_runs_changes_where_it_may() {
    let ground = Ground::shared();
    let Updates { from, changes } = read(include_str!("updates.yaml"));
    let patch = |how: &str, patch: Value| {
        ground.kubectl.call(&format!("patch nr running {how} -p")).arg(patch.to_string()).run()
    };
    assert_eq!(ground.apply("running", &from).code, 0);
    let status = json!({"doneRound": 0, "expectedRound": -1, "finish": false});
    assert_eq!(patch("--subresource=status --type=merge", json!({"status": status})).code, 0);
    let first = ground.spec("running");
    let mut wrong = Vec::new();
    for Change { name, spec, paths } in &changes {
        let answer = patch("--type=merge", json!({"spec": spec}));
        let mut wanted = first.clone();
        if paths.is_empty() {
            lay(&mut wanted, spec);
            if answer.code != 0 {
                wrong.push(format!("{name}: {answer:?}"));
            }
        } else {
            let otherwise = refused_otherwise(&answer, paths, "");
            wrong.extend(otherwise.map(|otherwise| format!("{name}: {otherwise}")));
        }
        wrong.extend(differences(&ground.spec("running"), &wanted, name));
        // Back, so that each is a change of the same object.
        let back = json!([{"op": "replace", "path": "/spec", "value": first}]);
        if patch("--type=json", back).code != 0 {
            ground.kubectl.ok("delete nr running");
            assert_eq!(ground.apply("running", &from).code, 0);
        }
    }
    println!("admit: {} changes of a running NetReach", changes.len());
    assert_none(&wrong);
}
