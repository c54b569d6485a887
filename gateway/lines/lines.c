/* Writes the same bytes to many sockets in one go; `plain.py` beside this does the same in Python.
 *
 * A line is the way to one socket. It is ready while nothing waits to be written there, so that
 * bytes given to the system directly cannot overtake any. Whoever owns the line keeps that flag.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* Python ignores the signal in any case */
#endif

typedef struct {
    PyObject_HEAD
    int fd;
    char ready;
    long long bytes_out;
} Line;

static int line_init(Line *self, PyObject *args, PyObject *named) {
    static char *names[] = {"fd", NULL};
    self->ready = 0;
    self->bytes_out = 0;
    return PyArg_ParseTupleAndKeywords(args, named, "i", names, &self->fd) ? 0 : -1;
}

static PyMemberDef line_members[] = {
    {"fd", T_INT, offsetof(Line, fd), 0, "the socket's descriptor; -1 for none"},
    {"ready", T_BOOL, offsetof(Line, ready), 0, "whether it may be written to directly"},
    {"bytes_out", T_LONGLONG, offsetof(Line, bytes_out), 0, "bytes written, whoever wrote them"},
    {NULL},
};

static PyTypeObject line_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "bandpro_lines.Line",
    .tp_doc = "The way to one socket.",
    .tp_basicsize = sizeof(Line),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_init = (initproc)line_init,
    .tp_new = PyType_GenericNew,
    .tp_members = line_members,
};

/* What the system takes of the bytes at once: 0 also where it refuses, for whatever reason. */
static Py_ssize_t taken_of(int fd, const char *bytes, Py_ssize_t size) {
    ssize_t taken;
    do {
        taken = send(fd, bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (taken < 0 && errno == EINTR);
    return taken < 0 ? 0 : (Py_ssize_t)taken;
}

static int leave_over(PyObject **left, Py_ssize_t at, Py_ssize_t taken) {
    if (!*left && !(*left = PyList_New(0))) return -1;
    PyObject *entry = Py_BuildValue("(nn)", at, taken);
    if (!entry) return -1;
    int failed = PyList_Append(*left, entry);
    Py_DECREF(entry);
    return failed;
}

static PyObject *send_all(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    if (count != 3 || !PyList_CheckExact(args[0]) || !PyBytes_CheckExact(args[1]) ||
        !PyAnySet_Check(args[2])) {
        PyErr_SetString(PyExc_TypeError, "send_all(list of lines, bytes, set of lines)");
        return NULL;
    }
    PyObject *lines = args[0], *but = args[2], *left = NULL;
    const char *bytes = PyBytes_AS_STRING(args[1]);
    const Py_ssize_t size = PyBytes_GET_SIZE(args[1]);
    const int all = PySet_GET_SIZE(but) == 0;
    Py_ssize_t sent = 0;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(lines); at++) {
        PyObject *item = PyList_GET_ITEM(lines, at);
        if (!Py_IS_TYPE(item, &line_type)) {
            PyErr_SetString(PyExc_TypeError, "not a line");
            goto failed;
        }
        if (!all) {
            const int passed_over = PySet_Contains(but, item);
            if (passed_over < 0) goto failed;
            if (passed_over) continue;
        }
        Line *line = (Line *)item;
        const Py_ssize_t taken = line->ready ? taken_of(line->fd, bytes, size) : 0;
        line->bytes_out += taken;
        if (taken == size) {
            sent++;
            continue;
        }
        line->ready = 0;
        if (leave_over(&left, at, taken) < 0) goto failed;
    }
    if (!left && !(left = PyList_New(0))) return NULL;
    return Py_BuildValue("(nN)", sent, left);
failed:
    Py_XDECREF(left);
    return NULL;
}

static PyMethodDef functions[] = {
    {"send_all", (PyCFunction)(void (*)(void))send_all, METH_FASTCALL,
     "Write bytes to all lines but some; see plain.py."},
    {NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "bandpro_lines",
    .m_doc = "Writes the same bytes to many sockets in one go.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit_bandpro_lines(void) {
    if (PyType_Ready(&line_type) < 0) return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddObjectRef(module, "Line", (PyObject *)&line_type) < 0) Py_CLEAR(module);
    return module;
}
