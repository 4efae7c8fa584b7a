/* connector_kind.h -- one kind of connector: what a plant's script may name, and what a shared library gives.
 *
 *     connectors = { line = { "mqtt", url = "mqtt://localhost:1883" }, own = { "./libown.so", port = 7 } }
 *
 * A shared library has one function with the name CONNECTOR_ENTRY, a ConnectorEntry, and finds what it calls (exchange.h, options.h, ...) in the program.
 *
 * Takes: options and bindings.  Gives: a Connector.  Threads: open starts the connector's own. */
#pragma once

#include "signal/exchange.h"
#include "signal/inlet.h"
#include "signal/options.h"

/// Raised with any change of what stands in these headers; a library of another version is refused.
#define CONNECTOR_VERSION 1
#define CONNECTOR_ENTRY "pollux_connector_kind"

typedef struct ConnectorDef {
    const char *name;          // as the script calls it: "line"
    const json_t *options;     // what the script says of it
    const Binding *bindings;   // of the tags that are bound to it
    size_t binding_count;
    const TagTable *tags;      // valid during the call alone, as this struct is: a reload may replace it
    const char *folder;        // of the script: files that options name are looked for there
    const Clock *clock;        // NULL: the machine's
    Inlets *inlets;            // where a connector enters that takes what is pushed to the server; NULL: there is no server
    bool turned;               // opened by an emulated plant that stands behind the peer: the bindings are turned round, and it is nobody's double
} ConnectorDef;

/// What is wrong with options, and where.
typedef struct ConnectorFault {
    TagId binding;  // to blame, TAG_NONE: the connector's own entry
    char key[64];   // of it, "" for the entry as a whole
    ErrText why;    // what was expected
} ConnectorFault;

/// What a reader of options has noted, of a binding or of the connector's own entry (TAG_NONE): returns its err.
Err connector_blame(ConnectorFault *fault, TagId binding, const Options *options);

typedef struct ConnectorKind {
    uint32_t version;  // CONNECTOR_VERSION
    const char *name;  // "mqtt"
    const char *doc;   // a line for `pollux connectors`
    /// Read options and bindings, touch nothing outside: what `pollux check` does.
    Err (*check)(const ConnectorDef *def, ConnectorFault *fault);
    /// The same, and begin. What is not there yet is tried again, with the connector's own back-off: only a fault of the script is an error.
    /// `def` is copied as far as it is needed; what it points to outlives the connector. `exchange` is the connector's, for its state.
    Err (*open)(const ConnectorDef *def, Connector *out, Exchange **exchange, ConnectorFault *fault);
    /// Add the keys of a binding to an address that exchange_seen was told, as a script has them: `topic = "works/tank1/level"`. NULL: it tells none.
    void (*suggest)(const char *address, Text *out);
} ConnectorKind;

typedef const ConnectorKind *ConnectorEntry(void);
