//! Scorers as Java sees them: a handle; policies come and go as handles, everything else as numbers, UTF-8 text and JSON.

use crate::argument::{optional, text};
use crate::error::Fault;
use crate::policy::{POLICIES, strings};
use crate::table::Table;
use equipoise::error::{Error, codes};
use equipoise::model::Scope;
use equipoise::observe::series;
use equipoise::score::{Breaker, BreakerState, Breakers, FileWatch, Install, Installed, Scorer, Switches};
use jni::Env;
use jni::objects::{JByteArray, JClass, JDoubleArray, JObjectArray, JString};
use jni::sys::{jint, jlong};
use std::result::Result;

/// Every scorer that Java holds.
pub(crate) static SCORERS: Table<Scorer> = Table::new(3, "scorer");
/// Every watched file.
static WATCHES: Table<FileWatch> = Table::new(4, "watch");

/// Flags of installs; the numbers are those of `Native.java`.
const FORCE: jint = 1;
const SUCCESSOR: jint = 2;

/// The scopes of switches, by the numbers of `Native.java`.
const SCOPES: [Scope; 7] = [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor, Scope::Market, Scope::Surface, Scope::All];

/// Strings per number of `metric_series`.
const SERIES_WIDTH: usize = 6;

fn install_of(flags: jint) -> Install {
    let install = if flags & FORCE != 0 { Install::forced() } else { Install::checked() };
    if flags & SUCCESSOR != 0 { install.successor() } else { install }
}

/// A handle of the policy that is live now, where another one was before; else 0.
fn live(scorer: &Scorer, installed: Installed) -> Result<jlong, Fault> {
    Ok(if installed.is_change() { POLICIES.insert(scorer.policy())? } else { 0 })
}

fn count(n: jlong, argument: &str) -> Result<u64, Error> {
    u64::try_from(n).map_err(|_| Error::new(codes::RANGE, argument, None, format!("is {n}, wanted at least 0")))
}

pub(crate) fn new<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    policy: jlong,
    switches: JByteArray<'local>,
) -> Result<jlong, Fault> {
    let switches = Switches::from_json(&text(env, &switches, "switches")?)?;
    Ok(SCORERS.insert(Scorer::with_switches(&POLICIES.get(policy)?, switches))?)
}

pub(crate) fn release<'local>(_env: &mut Env<'local>, _class: JClass<'local>, scorer: jlong) -> Result<(), Fault> {
    SCORERS.release(scorer);
    Ok(())
}

pub(crate) fn install<'local>(
    _env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    policy: jlong,
    flags: jint,
) -> Result<jint, Fault> {
    let installed = SCORERS.get(scorer)?.install(&POLICIES.get(policy)?, install_of(flags))?;
    Ok(jint::from(installed.is_change()))
}

pub(crate) fn install_file<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    path: JByteArray<'local>,
    flags: jint,
) -> Result<jlong, Fault> {
    let (scorer, path) = (SCORERS.get(scorer)?, text(env, &path, "path")?);
    let installed = scorer.install_file(path, install_of(flags))?;
    live(&scorer, installed)
}

pub(crate) fn rollback<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    id: JByteArray<'local>,
) -> Result<jlong, Fault> {
    let (scorer, id) = (SCORERS.get(scorer)?, text(env, &id, "id")?);
    let installed = scorer.rollback(equipoise::policy::parse_id(&id)?)?;
    live(&scorer, installed)
}

/// The ids of the policies kept, the latest first.
pub(crate) fn kept<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
) -> Result<JObjectArray<'local, JString<'local>>, Fault> {
    let kept = SCORERS.get(scorer)?.kept();
    strings(env, kept.iter().map(equipoise::Policy::id_hex))
}

/// Code and message of the last refusal; nothing where there is none.
pub(crate) fn refusal<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
) -> Result<JObjectArray<'local, JString<'local>>, Fault> {
    let refusal = SCORERS.get(scorer)?.last_refusal();
    let told: Vec<String> = refusal.iter().flat_map(|e| [e.code().to_owned(), e.to_string()]).collect();
    strings(env, told)
}

pub(crate) fn switch<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    scope: jint,
    id: JByteArray<'local>,
    on: jint,
) -> Result<jint, Fault> {
    let (scorer, id) = (SCORERS.get(scorer)?, text(env, &id, "id")?);
    let scope = usize::try_from(scope).ok().and_then(|s| SCOPES.get(s).copied());
    let scope = scope.ok_or_else(|| Error::new(codes::RANGE, "scope", None, "is none of the seven"))?;
    Ok(jint::from(scorer.switch(scope, &id, on != 0)?))
}

pub(crate) fn switches<'local>(env: &mut Env<'local>, _class: JClass<'local>, scorer: jlong) -> Result<JString<'local>, Fault> {
    Ok(env.new_string(SCORERS.get(scorer)?.switches().to_json())?)
}

pub(crate) fn set_switches<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    switches: JByteArray<'local>,
) -> Result<(), Fault> {
    let (scorer, switches) = (SCORERS.get(scorer)?, text(env, &switches, "switches")?);
    scorer.set_switches(Switches::from_json(&switches)?);
    Ok(())
}

/// The switches that the live policy does not know: scope, id, scope, id, ...
pub(crate) fn unmatched<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
) -> Result<JObjectArray<'local, JString<'local>>, Fault> {
    let unmatched = SCORERS.get(scorer)?.unmatched_switches();
    let told: Vec<String> = unmatched.into_iter().flat_map(|(scope, id)| [scope.name().to_owned(), id]).collect();
    strings(env, told)
}

pub(crate) fn set_breaker<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    campaign: JByteArray<'local>,
    rule: JByteArray<'local>,
) -> Result<(), Fault> {
    let scorer = SCORERS.get(scorer)?;
    let campaign = optional(env, &campaign, "campaign")?;
    let rule = optional(env, &rule, "breaker")?.map(|rule| Breaker::from_json(&rule)).transpose()?;
    Ok(scorer.set_breaker(campaign.as_deref(), rule)?)
}

pub(crate) fn breakers<'local>(env: &mut Env<'local>, _class: JClass<'local>, scorer: jlong) -> Result<JString<'local>, Fault> {
    Ok(env.new_string(SCORERS.get(scorer)?.breakers().to_json())?)
}

pub(crate) fn set_breakers<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    breakers: JByteArray<'local>,
) -> Result<(), Fault> {
    let (scorer, breakers) = (SCORERS.get(scorer)?, text(env, &breakers, "breakers")?);
    scorer.set_breakers(Breakers::from_json(&breakers)?);
    Ok(())
}

/// Counts responses; gives how the campaign stands: 0 closed, 1 tripped, 2 probing, -1 not counted. `timed` says whether `now` is given.
#[expect(clippy::too_many_arguments, reason = "primitives, so that no Java object is read")]
pub(crate) fn record<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    campaign: JByteArray<'local>,
    events: jlong,
    responses: jlong,
    timed: jint,
    now: jlong,
) -> Result<jint, Fault> {
    let (scorer, campaign) = (SCORERS.get(scorer)?, text(env, &campaign, "campaign")?);
    let (events, responses) = (count(events, "events")?, count(responses, "responses")?);
    let state = scorer.record_response(&campaign, events, responses, (timed != 0).then_some(now))?;
    Ok(match state {
        None => -1,
        Some(BreakerState::Closed) => 0,
        Some(BreakerState::Tripped) => 1,
        Some(BreakerState::Probing) => 2,
    })
}

pub(crate) fn reset_breaker<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    campaign: JByteArray<'local>,
) -> Result<jint, Fault> {
    let (scorer, campaign) = (SCORERS.get(scorer)?, text(env, &campaign, "campaign")?);
    Ok(jint::from(scorer.reset_breaker(&campaign)))
}

pub(crate) fn time_every<'local>(_env: &mut Env<'local>, _class: JClass<'local>, scorer: jlong, every: jint) -> Result<(), Fault> {
    let told = |_| Error::new(codes::RANGE, "every", None, format!("is {every}, wanted at least 0"));
    SCORERS.get(scorer)?.time_every(u32::try_from(every).map_err(told)?);
    Ok(())
}

/// Writes every number into `out`, in the order of `metric_series`; gives how many there are.
pub(crate) fn metrics<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    scorer: jlong,
    out: JDoubleArray<'local>,
) -> Result<jint, Fault> {
    let metrics = SCORERS.get(scorer)?.metrics();
    let length = out.len(env)?;
    if length < metrics.values().len() {
        return Err(Error::new(codes::SHAPE, "out", None, format!("has length {length}, wanted {}", metrics.values().len())).into());
    }
    out.set_region(env, 0, metrics.values())?;
    Ok(metrics.values().len() as jint)
}

/// Name, kind, unit, label's key and value (empty where there is none) and help of every number, one after the other.
pub(crate) fn metric_series<'local>(env: &mut Env<'local>, _class: JClass<'local>) -> Result<JObjectArray<'local, JString<'local>>, Fault> {
    let told = series().iter().flat_map(|s| -> [&str; SERIES_WIDTH] {
        let (key, value) = s.label.as_ref().map_or(("", ""), |(key, value)| (*key, value.as_str()));
        [s.name, s.kind.name(), s.unit, key, value, s.help]
    });
    strings(env, told.collect::<Vec<_>>())
}

pub(crate) fn watch_new<'local>(
    env: &mut Env<'local>,
    _class: JClass<'local>,
    path: JByteArray<'local>,
    flags: jint,
) -> Result<jlong, Fault> {
    Ok(WATCHES.insert(FileWatch::new(text(env, &path, "path")?, install_of(flags)))?)
}

pub(crate) fn watch_release<'local>(_env: &mut Env<'local>, _class: JClass<'local>, watch: jlong) -> Result<(), Fault> {
    WATCHES.release(watch);
    Ok(())
}

/// Looks once; gives a handle of the policy that is live now, where that changed, else 0.
pub(crate) fn watch_poll<'local>(_env: &mut Env<'local>, _class: JClass<'local>, watch: jlong, scorer: jlong) -> Result<jlong, Fault> {
    let scorer = SCORERS.get(scorer)?;
    match WATCHES.exclusively(watch, |watch| watch.poll(&scorer))? {
        Some(installed) => live(&scorer, installed),
        None => Ok(0),
    }
}
