"""The messages inside TFRecords, built at run time so that TensorFlow need not be there.

Field numbers and types are those of TensorFlow's `tf.train.Example`, so that its parsers read what
is written here, and the other way round.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "keras_ruo2"
BYTES, FLOAT, INT64, STRING, MESSAGE = (
    getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name}")
    for name in ("BYTES", "FLOAT", "INT64", "STRING", "MESSAGE")
)
LISTS = {
    "bytes": ("BytesList", BYTES),
    "float": ("FloatList", FLOAT),
    "int64": ("Int64List", INT64),
}


def build_file():
    """Return the description of the messages, as protobuf takes it."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{PACKAGE}/example.proto", package=PACKAGE, syntax="proto3"
    )
    for name, kind in LISTS.values():
        add_field(file.message_type.add(name=name), "value", 1, kind, repeated=True)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (kind, (name, _)) in enumerate(LISTS.items(), start=1):
        add_field(feature, f"{kind}_list", number, name).oneof_index = 0
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")  # a map is a list of such pairs
    entry.options.map_entry = True
    add_field(entry, "key", 1, STRING)
    add_field(entry, "value", 2, "Feature")
    add_field(features, "feature", 1, "Features.FeatureEntry", repeated=True)
    add_field(file.message_type.add(name="Example"), "features", 1, "Features")
    return file


def add_field(message, name, number, kind, repeated=False):
    """Add a field to a message and return it; `kind` is a scalar type or the name of a message."""
    labels = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=number)
    field.label = labels.LABEL_REPEATED if repeated else labels.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type, field.type_name = MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = kind
    return field


POOL = descriptor_pool.DescriptorPool()
POOL.Add(build_file())
Example = message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.Example"))
