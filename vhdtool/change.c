#include "vhdtool/change.h"

#include "image-format/file.h"
#include "image-format/image.h"

struct disk *change_open(const struct change_request *request, struct file *file,
                         struct error *error)
{
    if (file_lock(file, error)) {
        file_close(file);
        return NULL;
    }
    if (request->dry_run)
        file = file_overlay_new(file, error);
    return file ? image_open(file, error) : NULL;
}

void change_say(const struct change_request *request, const char *what)
{
    if (request->say)
        request->say(what, request->say_context);
}
