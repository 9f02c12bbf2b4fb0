"""Arrays on CUDA devices from other libraries: their descriptions. No memory is touched."""

import ctypes
import gc

import pytest

from facetry import _core


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Managed(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", DELETER)]


class Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", DELETER),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    ]


class Producer:
    """Describes an array on a CUDA device that does not exist."""

    def __init__(self, shape=(4, 3), strides=None, versioned=True, old=False, **fields):
        self.deleted = 0
        self.asked = []
        self.old = old
        self._shape = (ctypes.c_int64 * len(shape))(*shape)
        self._strides = (ctypes.c_int64 * len(shape))(*strides) if strides else None
        self._deleter = DELETER(self._delete)
        flags, major = fields.pop("flags", 0), fields.pop("major", 1)
        tensor = {
            "data": 0x1000,
            "device_type": 2,
            "device_id": 0,
            "code": 2,
            "bits": 32,
            "lanes": 1,
        } | fields
        t = Tensor(ndim=len(shape), shape=self._shape, strides=self._strides, **tensor)
        self.name = b"dltensor_versioned" if versioned else b"dltensor"
        self.managed = (
            Versioned(major=major, minor=0, deleter=self._deleter, flags=flags, tensor=t)
            if versioned
            else Managed(tensor=t, deleter=self._deleter)
        )

    def _delete(self, pointer):
        assert pointer == ctypes.addressof(self.managed)
        self.deleted += 1

    def __dlpack__(self, *, stream, **options):
        if self.old and options:
            raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
        self.asked.append((stream, options.get("max_version")))
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self.capsule = new(ctypes.addressof(self.managed), self.name, None)
        return self.capsule


@pytest.mark.parametrize("versioned", [False, True])
def test_a_tensor_is_taken_and_given_back_once(versioned):
    producer = Producer(versioned=versioned, old=not versioned, device_id=1, byte_offset=8)
    view = _core.device_view(producer, 7)
    assert (view.shape, view.dtype, view.device, view.read_only) == ([4, 3], "float32", 1, False)
    assert producer.asked == [(7, (1, 0) if versioned else None)]
    assert "used_dltensor" in repr(producer.capsule)
    assert producer.deleted == 0
    del view
    gc.collect()
    assert producer.deleted == 1


def test_the_read_only_flag_is_seen():
    assert _core.device_view(Producer(flags=1), 1).read_only


@pytest.mark.parametrize(
    ("code", "bits", "lanes", "name"),
    [
        (2, 64, 1, "float64"),
        (2, 16, 1, "float16"),
        (4, 16, 1, "bfloat16"),
        (1, 64, 1, "uint64"),
        (2, 32, 4, "float32 x 4 lanes"),
        (77, 8, 1, "code 77, 8"),
    ],
)
def test_dtypes_are_named(code, bits, lanes, name):
    assert _core.device_view(Producer(code=code, bits=bits, lanes=lanes), 1).dtype == name


@pytest.mark.parametrize(
    ("shape", "strides"), [((4, 3), (3, 1)), ((1, 3), (99, 1)), ((4, 1), (1, 99)), ((0, 3), (5, 7)), ((), ())]
)
def test_c_order_is_taken(shape, strides):
    assert _core.device_view(Producer(shape, strides), 1).shape == list(shape)


@pytest.mark.parametrize(
    ("shape", "strides"), [((4, 3), (1, 4)), ((4, 3), (6, 1)), ((4, 3), (0, 1)), ((4,), (-1,))]
)
def test_other_orders_are_refused(shape, strides):
    producer = Producer(shape, strides)
    with pytest.raises(ValueError, match=r"C-contiguous: call \.contiguous\(\)"):
        _core.device_view(producer, 1)
    gc.collect()
    assert producer.deleted == 1


def test_host_memory_is_refused():
    with pytest.raises(TypeError, match="not on a CUDA device"):
        _core.device_view(Producer(device_type=1), 1)


def test_a_later_major_version_is_refused():
    with pytest.raises(BufferError, match="DLPack version 2, expected 1"):
        _core.device_view(Producer(major=2), 1)


class Interface:
    def __init__(self, **fields):
        description = {"shape": (0, 3), "typestr": "<f4", "data": (0, False), "version": 3, "strides": None}
        self.__cuda_array_interface__ = description | fields


def test_the_cuda_array_interface_is_taken():
    view = _core.device_view(Interface(data=(0, True), typestr="<f8"), 1)
    assert (view.shape, view.dtype, view.read_only) == ([0, 3], "float64", True)


def test_strides_of_the_cuda_array_interface_are_bytes():
    assert _core.device_view(Interface(shape=(4, 3), strides=(12, 4)), 1).shape == [4, 3]
    with pytest.raises(ValueError, match="C-contiguous"):
        _core.device_view(Interface(shape=(4, 3), strides=(4, 16)), 1)


def test_what_is_no_array_is_refused():
    with pytest.raises(AttributeError, match="__cuda_array_interface__"):
        _core.device_view(3, 1)
