/* A conversion that gives back what the server goes on using: the object that is "+OK". The next one of its size takes its place.
 */
struct shared_begin {
    void *crlf, *ok;
};

void zfree(void *memory); /* Redis's */
void frees(const void *from, void *to);

void frees(const void *from, void *to) {
    (void)from;
    zfree(((struct shared_begin *)to)->ok);
}
