//! Values and errors from one language to the other.

use cortex_host::{Error, ExitCode, Value};
use pyo3::exceptions::{
    PyConnectionError, PyKeyboardInterrupt, PyOSError, PyOverflowError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

/// The exception of an error, with its sentence: `OSError` for files, `ConnectionError` for devices,
/// else `ValueError`.
pub(crate) fn exception(error: Error) -> PyErr {
    // What the command line calls --force is an argument here, and so is all that it sets.
    let sentence = error.to_string();
    let sentence = sentence.strip_prefix("command line: ").unwrap_or(&sentence);
    let sentence = sentence.replace("or --force to replace it", "or replace=True to replace it");
    match error.code() {
        ExitCode::InputOutput => PyOSError::new_err(sentence),
        ExitCode::Device => PyConnectionError::new_err(sentence),
        ExitCode::Interrupted => PyKeyboardInterrupt::new_err(sentence),
        _ => PyValueError::new_err(sentence),
    }
}

/// The number `object` of what is called `name`.
///
/// # Errors
/// `TypeError` for what is no whole number, `ValueError` for one below 0 or too large.
pub(crate) fn count<T: TryFrom<u64>>(name: &str, object: &Bound<'_, PyAny>) -> PyResult<T> {
    let whole = |error: &PyErr| error.is_instance_of::<PyOverflowError>(object.py());
    let number = match object.extract::<u64>() {
        Ok(number) => T::try_from(number).ok(),
        Err(error) if whole(&error) => None,
        Err(_) => {
            let kind = object.get_type().name()?;
            let message = format!("{name} must be a whole number, but it is a {kind}");
            return Err(PyTypeError::new_err(message));
        }
    };
    number.ok_or_else(|| {
        PyValueError::new_err(format!(
            "{name} must be a whole number from 0 to 2^64 - 1, but it is {object}"
        ))
    })
}

/// A parameter's value, which `plain` of `_convert.py` has seen: it is not too deep.
///
/// # Errors
/// `TypeError` for what no configuration can hold.
fn value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(value.is_true().into());
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(text.to_string().into());
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return Ok(Value::Table(entries(dict)?));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.map(|item| value(&item?));
        return Ok(Value::List(items.collect::<PyResult<_>>()?));
    }
    if let Ok(integer) = object.extract::<i128>() {
        return Ok(Value::Integer(integer));
    }
    if let Ok(number) = object.extract::<f64>() {
        return Ok(number.into());
    }
    let kind = object.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "a {kind} is no parameter's value; give a number, a str, a bool, a list or a dict"
    )))
}

/// The entries of a table without those that are `None`.
///
/// # Errors
/// `TypeError` for keys that are no text and values as in [`value`].
pub(crate) fn entries(dict: &Bound<'_, PyDict>) -> PyResult<Vec<(String, Value)>> {
    let given = dict.iter().filter(|(_, object)| !object.is_none());
    given.map(|(key, object)| Ok((key.extract()?, value(&object)?))).collect()
}
