//! The options for a signal's parameters, made from their declarations.

use clap::builder::ValueParser;
use clap::value_parser;
use cortex_core::parameter::{DefaultValue, Kind, Parameter};

use crate::config::params::of_datasets;
use crate::config::{Entry, Value, parameters};

/// The signal's parameters that were given, by their names in configurations: an option for every
/// declared parameter, `--TABLE-UNIT` for the parts of a table.
#[derive(Debug)]
pub struct ParamArgs(pub Vec<Entry>);

/// The group of the signal's parameters.
pub const PARAMETERS: &str = "parameters";

/// Name of the option for a parameter. One part of a table that cannot be left out is called by
/// its unit, the last word of its name; others by their name.
fn option_name(parameter: &Parameter, table: Option<&str>) -> String {
    let name = parameter.name;
    let unit = name.rsplit('_').next().unwrap_or(name);
    match table {
        None => name.to_owned(),
        Some(table) if parameter.default == DefaultValue::Required => format!("{table}_{unit}"),
        Some(table) => format!("{table}_{name}"),
    }
}

fn option(parameter: &Parameter<'static>, table: Option<&str>, of: &str) -> clap::Arg {
    let name = option_name(parameter, table);
    let doc = parameter.doc.trim_end_matches('.');
    let of = if of.is_empty() { String::new() } else { format!("{of}: ") };
    let default = parameters::default_words(parameter);
    let default = default.map_or_else(String::new, |words| format!(" [default: {words}]"));
    let range = parameters::range_words(parameter);
    let range = if range.is_empty() { range } else { format!("; {range}") };
    let (value, parser) = match parameter.kind {
        Kind::Number { .. } => (parameter.unit.to_owned(), value_parser!(f64).into()),
        Kind::Count { .. } => ("N".to_owned(), value_parser!(u64).into()),
        _ => ("NAME".to_owned(), ValueParser::string()),
    };
    clap::Arg::new(name.clone())
        .long(name.replace('_', "-"))
        .alias(name)
        .help(format!("{of}{doc}{range}{default}"))
        .help_heading("Signal parameters")
        .value_name(if value.is_empty() { "X".to_owned() } else { value })
        .value_parser(parser)
}

/// The declared parameters that are options; the rest are arguments.
fn optional() -> impl Iterator<Item = (Parameter<'static>, String)> {
    let known = of_datasets().into_iter();
    known.filter(|(parameter, _)| !["signal_type", "duration_s"].contains(&parameter.name))
}

impl clap::Args for ParamArgs {
    fn group_id() -> Option<clap::Id> {
        Some(PARAMETERS.into())
    }

    fn augment_args(mut command: clap::Command) -> clap::Command {
        let mut group = clap::ArgGroup::new(PARAMETERS).multiple(true);
        for (parameter, of) in optional() {
            let Kind::Table(parts) = parameter.kind else {
                let option = option(&parameter, None, &of);
                group = group.arg(option.get_id());
                command = command.arg(option);
                continue;
            };
            let of = format!("{of}, {}", parameter.name);
            for part in parts {
                let needed = |other: &&Parameter| other.default == DefaultValue::Required;
                let others = parts.iter().filter(|other| other.name != part.name).filter(needed);
                let others = others.map(|other| option_name(other, Some(parameter.name)));
                let option = option(part, Some(parameter.name), &of).requires_all(others);
                group = group.arg(option.get_id());
                command = command.arg(option);
            }
        }
        command.group(group)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ParamArgs {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let value = |parameter: &Parameter, name: &str| match parameter.kind {
            Kind::Number { .. } => matches.get_one(name).copied().map(Value::Float),
            Kind::Count { .. } => {
                matches.get_one::<u64>(name).map(|count| Value::Integer((*count).into()))
            }
            _ => matches.get_one::<String>(name).cloned().map(Value::Text),
        };
        let given = optional().filter_map(|(parameter, _)| {
            let Kind::Table(parts) = parameter.kind else {
                return Some(Entry::new(parameter.name, value(&parameter, parameter.name)?));
            };
            let parts = parts.iter().filter_map(|part| {
                let name = option_name(part, Some(parameter.name));
                Some(Entry::new(part.name, value(part, &name)?))
            });
            let parts: Vec<Entry> = parts.collect();
            let table = (!parts.is_empty()).then_some(Value::Mapping(parts));
            Some(Entry::new(parameter.name, table?))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
